# Super-nets: iteration 0 is the warm-up, iterations 1, 2, … go on from the weights of the one before.


rule train:
    input:
        unpack(inputs("train")),
    output:
        weights=paths.WEIGHTS,
        log=paths.LOG,
    log:
        "logs/train/{scale}/{task}/{method}/s{seed}/i{iteration}.log",
    threads: cores
    resources:
        mem_mb=growing(4000),
        runtime=1440,
        gpu=accelerators,
    params:
        settings=settings("train"),
        code=code("train"),
    message:
        "{wildcards.scale} {wildcards.task}: training {wildcards.method}, seed {wildcards.seed}, iteration {wildcards.iteration}"
    shell:
        "supernet train --scale {wildcards.scale} --task {wildcards.task} --method {wildcards.method}"
        " --seed {wildcards.seed} --iteration {wildcards.iteration} 2>&1 | tee -i {log}"
