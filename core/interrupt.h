#pragma once

namespace sqpsych {

/// Installs handlers for SIGINT, SIGTERM and SIGUSR1 that only set a flag. A second SIGINT ends
/// the process at once with exit code 75.
void install_interrupt_handlers();
/// True once one of those signals came; long loops ask this at safe points.
bool interrupt_requested();
/// What a signal asked for is done (false); true for tests.
void set_interrupt_requested(bool value);
/// Waits until the descriptor can be read or is closed; false when a signal came before, on
/// whatever thread.
bool wait_for_input(int descriptor);
/// Throws Interrupted("where: interrupted, ...") when a signal came.
void throw_if_interrupted(const char* where);

}  // namespace sqpsych
