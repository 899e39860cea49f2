"""The stages of the pipeline: one file each, which exports ``run(job, state)``.

A stage is a pure function of its job's settings and input files, and writes its outputs at the end, atomically.
``state`` is a folder for resumable state, removed when the stage has finished.
"""
