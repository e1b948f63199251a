"""The attention units and building blocks of the networks, each a registered Keras layer."""

from mirnet_keras.layers.adaptive_weighted_multi_scale import AdaptiveWeightedMultiScale
from mirnet_keras.layers.adaptive_weighted_residual_unit import AdaptiveWeightedResidualUnit
from mirnet_keras.layers.bilinear_enlargement import BilinearEnlargement
from mirnet_keras.layers.bilinear_upsampling import BilinearUpsampling
from mirnet_keras.layers.blur_pool import BlurPool
from mirnet_keras.layers.channel_attention import ChannelAttention
from mirnet_keras.layers.channel_spatial_attention import ChannelSpatialAttention
from mirnet_keras.layers.colour_adjustment import ColourAdjustment
from mirnet_keras.layers.condition_network import ConditionNetwork
from mirnet_keras.layers.convolution import GroupedConvolution, convolution, dense
from mirnet_keras.layers.dual_attention_unit import DualAttentionUnit
from mirnet_keras.layers.global_context import GlobalContext
from mirnet_keras.layers.layer_attention import LayerAttention
from mirnet_keras.layers.learned_enlargement import LearnedEnlargement
from mirnet_keras.layers.local_fusion_block import LocalFusionBlock
from mirnet_keras.layers.mean_shift import MEAN_COLOUR, MeanShift
from mirnet_keras.layers.mirror_padding import MirrorPadding
from mirnet_keras.layers.multi_scale_residual_block import MultiScaleResidualBlock
from mirnet_keras.layers.multi_scale_residual_block_v2 import (
    MeanDownsampling,
    MultiScaleResidualBlockV2,
)
from mirnet_keras.layers.nearest_upsampling import NearestUpsampling
from mirnet_keras.layers.pixel_shuffle import PixelShuffle
from mirnet_keras.layers.pixel_shuffle_upsampling import PixelShuffleUpsampling
from mirnet_keras.layers.pixel_unshuffle import PixelUnshuffle
from mirnet_keras.layers.recursive_residual_group import (
    RecursiveResidualGroup,
    RecursiveResidualGroupV2,
)
from mirnet_keras.layers.region_non_local import RegionNonLocal
from mirnet_keras.layers.residual_block import ResidualBlock
from mirnet_keras.layers.residual_channel_attention_block import ResidualChannelAttentionBlock
from mirnet_keras.layers.residual_contextual_block import ResidualContextualBlock
from mirnet_keras.layers.residual_group import LocalSourceResidualAttentionGroup, ResidualGroup
from mirnet_keras.layers.residual_resizing import (
    ResidualDownsampling,
    ResidualDownsamplingChain,
    ResidualUpsampling,
    ResidualUpsamplingChain,
)
from mirnet_keras.layers.residual_sparse_block import (
    LINKS,
    ResidualInResidualSparseBlock,
    ResidualSparseBlock,
    link_table,
)
from mirnet_keras.layers.scalar_prelu import ScalarPReLU
from mirnet_keras.layers.second_order_channel_attention import SecondOrderChannelAttention
from mirnet_keras.layers.segmentation_prior_self_attention import SPSA
from mirnet_keras.layers.selective_kernel_fusion import SelectiveKernelFusion
from mirnet_keras.layers.share_source import ShareSource
from mirnet_keras.layers.spatial_attention import SpatialAttention
from mirnet_keras.layers.spatial_feature_transform import (
    SpatialFeatureTransform,
    SpatialFeatureTransformBlock,
)
from mirnet_keras.layers.spectral_norm_convolution import SpectralNormConvolution
from mirnet_keras.layers.unbiased_batch_normalization import UnbiasedBatchNormalization
from mirnet_keras.layers.weight_norm_convolution import WeightNormConvolution

__all__ = [
    "LINKS",
    "MEAN_COLOUR",
    "SPSA",
    "AdaptiveWeightedMultiScale",
    "AdaptiveWeightedResidualUnit",
    "BilinearEnlargement",
    "BilinearUpsampling",
    "BlurPool",
    "ChannelAttention",
    "ChannelSpatialAttention",
    "ColourAdjustment",
    "ConditionNetwork",
    "DualAttentionUnit",
    "GlobalContext",
    "GroupedConvolution",
    "LayerAttention",
    "LearnedEnlargement",
    "LocalFusionBlock",
    "LocalSourceResidualAttentionGroup",
    "MeanDownsampling",
    "MeanShift",
    "MirrorPadding",
    "MultiScaleResidualBlock",
    "MultiScaleResidualBlockV2",
    "NearestUpsampling",
    "PixelShuffle",
    "PixelShuffleUpsampling",
    "PixelUnshuffle",
    "RecursiveResidualGroup",
    "RecursiveResidualGroupV2",
    "RegionNonLocal",
    "ResidualBlock",
    "ResidualChannelAttentionBlock",
    "ResidualContextualBlock",
    "ResidualDownsampling",
    "ResidualDownsamplingChain",
    "ResidualGroup",
    "ResidualInResidualSparseBlock",
    "ResidualSparseBlock",
    "ResidualUpsampling",
    "ResidualUpsamplingChain",
    "ScalarPReLU",
    "SecondOrderChannelAttention",
    "SelectiveKernelFusion",
    "ShareSource",
    "SpatialAttention",
    "SpatialFeatureTransform",
    "SpatialFeatureTransformBlock",
    "SpectralNormConvolution",
    "UnbiasedBatchNormalization",
    "WeightNormConvolution",
    "convolution",
    "dense",
    "link_table",
]
