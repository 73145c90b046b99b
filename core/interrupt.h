#pragma once

namespace sqpsych {

/// Installs handlers for SIGINT, SIGTERM and SIGUSR1 that only set a flag. A second SIGINT ends
/// the process at once with exit code 75.
void install_interrupt_handlers();
/// True once one of those signals came; long loops ask this at safe points.
bool interrupt_requested();
/// For tests.
void set_interrupt_requested(bool value);
/// Throws Interrupted("where: interrupted, ...") when a signal came.
void throw_if_interrupted(const char* where);

}  // namespace sqpsych
