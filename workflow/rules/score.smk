# One-shot scores of the evaluation architectures.


rule score:
    input:
        unpack(inputs("score")),
    output:
        scores=paths.SCORES,
    log:
        "logs/score/{scale}/{task}/{method}/{estimator}/s{seed}/i{iteration}.log",
    threads: cores
    resources:
        mem_mb=growing(4000),
        runtime=growing(600),
        gpu=accelerators,
    params:
        settings=settings("score"),
        code=code("score"),
    message:
        "{wildcards.scale} {wildcards.task}: scoring {wildcards.method}, seed {wildcards.seed}, iteration {wildcards.iteration}"
    shell:
        "supernet stage score --scale {wildcards.scale} --task {wildcards.task} --method {wildcards.method}"
        " --estimator {wildcards.estimator} --seed {wildcards.seed} --iteration {wildcards.iteration} 2>&1 | tee -i {log}"
