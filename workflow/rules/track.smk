# MLflow's view of the files. It is asked for by name (`make ui`), looks at whatever runs are there, and always runs:
# what is already in the store is kept.


rule track:
    log:
        "logs/track.log",
    localrule: True
    params:
        script=Path(workflow.basedir, "workflow", "scripts", "track.py"),
    message:
        "mirroring all runs into MLflow"
    shell:
        "python {params.script} 2>&1 | tee -i {log}"
