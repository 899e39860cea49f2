"""NAS-Bench-201 with its two convolutions alone: 2^6 = 64 cells (Laube et al. 2022)."""

from supernet.spaces.nasbench201 import NASBench201

SPACE = NASBench201("nasbench201_convolutions", ("nor_conv_1x1", "nor_conv_3x3"))
