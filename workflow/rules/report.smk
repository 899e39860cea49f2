# What a study says: numbers from scores, searches and truths alone, never from weights.


rule measure:
    input:
        unpack(inputs("measure")),
    output:
        metrics=paths.METRICS,
    log:
        "logs/measure/{scale}/{study}.log",
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=settings("measure"),
        code=code("measure"),
    message:
        "{wildcards.scale}: metrics of {wildcards.study}"
    shell:
        "supernet measure --scale {wildcards.scale} --study {wildcards.study} 2>&1 | tee -i {log}"


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
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=settings("summary"),
        code=code("summary"),
    message:
        "{wildcards.scale}: table of {wildcards.study}"
    shell:
        "supernet summary --scale {wildcards.scale} --study {wildcards.study} 2>&1 | tee -i {log}"


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
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=settings("figures"),
        code=code("figures"),
    message:
        "{wildcards.scale}: figures of {wildcards.study}"
    shell:
        "supernet figures --scale {wildcards.scale} --study {wildcards.study} 2>&1 | tee -i {log}"


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
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=settings("ledger"),
        code=code("ledger"),
    message:
        "{wildcards.scale}: numbers of {wildcards.claims} beside ours"
    shell:
        "supernet ledger --scale {wildcards.scale} --claims {wildcards.claims} 2>&1 | tee -i {log}"
