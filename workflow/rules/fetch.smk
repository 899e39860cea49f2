# Data sets and benchmark tables, from their official address or from the folder SUPERNET_MIRROR names.


rule data:
    output:
        data=paths.DATA,
    log:
        "logs/data/{scale}/{data}.log",
    localrule: True
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        settings=settings("data"),
        code=code("data"),
    message:
        "{wildcards.scale}: images of {wildcards.data}"
    shell:
        "supernet stage data --scale {wildcards.scale} --data {wildcards.data} 2>&1 | tee -i {log}"


rule table:
    output:
        table=paths.TABLE,
    log:
        "logs/table/{scale}/{table}.log",
    localrule: True
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        settings=settings("table"),
        code=code("table"),
    message:
        "{wildcards.scale}: benchmark table {wildcards.table}"
    shell:
        "supernet stage table --scale {wildcards.scale} --table {wildcards.table} 2>&1 | tee -i {log}"
