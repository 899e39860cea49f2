"""Models from architecture to performance: one file each, which exports ``fit(space, archs, truth) -> predict``."""
