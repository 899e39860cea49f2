"""NAS-Bench-201 without its zero operation: 4^6 = 4,096 cells (Laube et al. 2022)."""

from supernet.spaces.nasbench201 import OPTIONS, NASBench201

SPACE = NASBench201("nasbench201_no_zero", OPTIONS[1:])
