# Searches guided by a super-net's scores.


rule search:
    input:
        unpack(inputs("search")),
    output:
        search=paths.SEARCH,
    log:
        "logs/search/{scale}/{task}/{method}/{searcher}/s{seed}/i{iteration}.log",
    threads: cores
    resources:
        mem_mb=growing(4000),
        runtime=growing(600),
        gpu=accelerators,
    params:
        settings=settings("search"),
        code=code("search"),
    message:
        "{wildcards.scale} {wildcards.task}: {wildcards.searcher} search by {wildcards.method}, seed {wildcards.seed}, iteration {wildcards.iteration}"
    shell:
        "supernet stage search --scale {wildcards.scale} --task {wildcards.task} --method {wildcards.method}"
        " --searcher {wildcards.searcher} --seed {wildcards.seed} --iteration {wildcards.iteration} 2>&1 | tee -i {log}"
