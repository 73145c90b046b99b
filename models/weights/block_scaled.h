#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace sqpsych {

/// Name of the tensor that holds the block scales of `weight_name` in fp8 checkpoints.
std::string block_scale_name(const std::string& weight_name);

/// An fp8 matrix times one scale per block of block_rows x block_columns, in fp32 (DeepSeek-AI
/// 2024, arXiv 2412.19437, section 3.3; config `weight_block_size`). scale [ceil(rows/block_rows),
/// ceil(columns/block_columns)]. FormatError names `name` when it is not.
at::Tensor dequantise_blocks(const at::Tensor& weight_OI, const at::Tensor& scale,
                             std::int64_t block_rows, std::int64_t block_columns,
                             const std::string& name);

}  // namespace sqpsych
