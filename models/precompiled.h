#pragma once

#include <ATen/ATen.h>
#include <fmt/base.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
