"""Which networks look at the whole picture."""

# Their layers ask for statistics of the image: a tile by itself comes out otherwise.
GLOBAL_NETWORKS = ("han", "mirnet", "mirnet_v2", "rcan", "san")
# Of these the plain means over all pixels, which a sample of a picture tells well.
MEANS_ALONE = ("han", "mirnet", "rcan", "san")
