# What a study says: numbers from scores, searches and truths alone, never from weights.


rule measure:
    input:
        unpack(inputs("measure")),
    output:
        metrics=paths.METRICS,
    log:
        "logs/measure/{scale}/{study}.log",
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        settings=settings("measure"),
        code=code("measure"),
    message:
        "{wildcards.scale}: metrics of {wildcards.study}"
    shell:
        "supernet stage measure --scale {wildcards.scale} --study {wildcards.study} 2>&1 | tee -i {log}"


rule summary:
    input:
        unpack(inputs("summary")),
    output:
        page=report(
            report_file("table.md"), caption="../report/table.rst", category="{study}"
        ),
        table=report_file("table.parquet"),
        numbers=report_file("metrics.json"),
        curves=report_file("curves.json"),
    log:
        "logs/summary/{scale}/{study}.log",
    localrule: True
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        settings=settings("summary"),
        code=code("summary"),
    message:
        "{wildcards.scale}: table of {wildcards.study}"
    shell:
        "supernet stage summary --scale {wildcards.scale} --study {wildcards.study} 2>&1 | tee -i {log}"


rule figures:
    input:
        unpack(inputs("figures")),
    output:
        sparse_kendall_tau_svg=report_file("sparse_kendall_tau.svg"),
        sparse_kendall_tau_png=report(
            report_file("sparse_kendall_tau.png"),
            caption="../report/sparse_kendall_tau.rst",
            category="{study}",
        ),
        effects_svg=report_file("effects.svg"),
        effects_png=report(
            report_file("effects.png"),
            caption="../report/effects.rst",
            category="{study}",
        ),
        ranks_svg=report_file("ranks.svg"),
        ranks_png=report(
            report_file("ranks.png"), caption="../report/ranks.rst", category="{study}"
        ),
    log:
        "logs/figures/{scale}/{study}.log",
    localrule: True
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        settings=settings("figures"),
        code=code("figures"),
    message:
        "{wildcards.scale}: figures of {wildcards.study}"
    shell:
        "supernet stage figures --scale {wildcards.scale} --study {wildcards.study} 2>&1 | tee -i {log}"


rule ledger:
    input:
        unpack(inputs("ledger")),
    output:
        ledger=paths.LEDGER,
        page=report(
            paths.LEDGER_PAGE,
            caption="../report/ledger.rst",
            category="{claims}",
        ),
    log:
        "logs/ledger/{scale}/{claims}.log",
    localrule: True
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        settings=settings("ledger"),
        code=code("ledger"),
    message:
        "{wildcards.scale}: numbers of {wildcards.claims} beside ours"
    shell:
        "supernet stage ledger --scale {wildcards.scale} --claims {wildcards.claims} 2>&1 | tee -i {log}"


# The page of a scale is a view of the files, as MLflow's store is: asked for by name (`make report`), always made anew from
# what is there, and kept by nobody.
for scale in CONFIGS:

    rule:
        name:
            f"{scale}_site"
        log:
            f"logs/site/{scale}.log",
        localrule: True
        params:
            script=Path(workflow.basedir, "workflow", "scripts", "report.py"),
            scale=scale,
        message:
            "{params.scale}: one page of all studies"
        shell:
            "python {params.script} --scale {params.scale} 2>&1 | tee -i {log}"
