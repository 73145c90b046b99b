#pragma once

#include "models/families/config_features.h"

namespace sqpsych {

/// Rotary settings in every spelling: rope_theta with rope_scaling (older configs),
/// rope_parameters, or rope_parameters with one object per kind of layer. Needs head_dim and
/// context_length. A scaling that the decoder has not is a problem that names it.
void read_rope(const ConfigReader& reader, const ConfigStyle& style, DecoderFeatures& features);

/// Yarn reaches `factor` times its original context, also where max_position_embeddings is what it
/// was before: the published way to configure it.
void grow_context(DecoderFeatures& features);

/// The older spelling, which transformers of every generation reads.
void write_rope(const DecoderFeatures& features, Json& config);

}  // namespace sqpsych
