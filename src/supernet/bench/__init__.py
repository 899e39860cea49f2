"""How near the machine's limit the engine is: ratios of times that were taken side by side (`supernet bench`).

Times are processor seconds of one thread where there is no accelerator, so that other work on the machine counts
little; ratios compare what ran in turns in one process. The **floor** of a job is the time that its convolutions take
when each of them runs alone, forward and, where the job trains, backward: what no code around them can undercut.
"""
