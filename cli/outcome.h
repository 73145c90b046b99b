#pragma once

#include <functional>

#include "core/error.h"

namespace sqpsych {

/// Runs a command and turns what it throws into one sentence on stderr and the process's exit
/// status. What no input should bring about says "this is a bug in sqpsych" and is 70.
int exit_status_of(const std::function<ExitCode()>& command);

/// An exception that leaves a thread, or comes twice, ends like any other bug.
void install_terminate_handler();

}  // namespace sqpsych
