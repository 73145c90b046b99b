#pragma once

#include <string>

#include "models/families/config_features.h"

namespace sqpsych {

/// A multimodal wrapper keeps its language model's settings under text_config and the ids outside.
/// The settings with those ids, as a config of the language model alone; the document itself when
/// it is no wrapper.
Json text_config_of(const Json& config, const ConfigStyle& style);

/// `language_model.model.X` (older) or `model.language_model.X` (newer) as `model.X`; empty for
/// what belongs to the vision tower or its projector.
std::string name_inside_wrapper(const std::string& stored);

}  // namespace sqpsych
