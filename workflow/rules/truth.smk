# Sets of architectures, and how well each of them does when it is trained alone.


rule archs:
    input:
        unpack(inputs("archs")),
    output:
        archs=paths.ARCHS,
    log:
        "logs/archs/{scale}/{task}/{set}.log",
    localrule: True
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        settings=settings("archs"),
        code=code("archs"),
    message:
        "{wildcards.scale} {wildcards.task}: architectures {wildcards.set}"
    shell:
        "supernet stage archs --scale {wildcards.scale} --task {wildcards.task} --set {wildcards.set} 2>&1 | tee -i {log}"


rule truth:
    input:
        unpack(inputs("truth")),
    output:
        truth=paths.TRUTH,
    log:
        "logs/truth/{scale}/{task}/{set}.log",
    priority: 1  # the longest jobs, on which most others wait
    threads: cores
    resources:
        mem_mb=growing(4000),
        runtime=1440,
        gpu=accelerators,
    params:
        settings=settings("truth"),
        code=code("truth"),
    message:
        "{wildcards.scale} {wildcards.task}: ground truth of {wildcards.set}"
    shell:
        "supernet stage truth --scale {wildcards.scale} --task {wildcards.task} --set {wildcards.set} 2>&1 | tee -i {log}"
