# Super-nets: iteration 0 is the warm-up, iterations 1, 2, … go on from the weights of the one before.


rule train:
    input:
        unpack(inputs("train")),
    output:
        weights=paths.WEIGHTS,
        log=paths.LOG,
    log:
        "logs/train/{scale}/{task}/{method}/s{seed}/i{iteration}.log",
    threads: lambda wildcards: cores(wildcards) * processes(wildcards)
    resources:
        mem_mb=growing(4000),
        runtime=1440,
        gpu=lambda wildcards: accelerators(wildcards) * processes(wildcards),
    params:
        settings=settings("train"),
        code=code("train"),
    message:
        "{wildcards.scale} {wildcards.task}: training {wildcards.method}, seed {wildcards.seed}, iteration {wildcards.iteration}"
    shell:
        "supernet stage train --scale {wildcards.scale} --task {wildcards.task} --method {wildcards.method}"
        " --seed {wildcards.seed} --iteration {wildcards.iteration} 2>&1 | tee -i {log}"
