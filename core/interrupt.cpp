#include "core/interrupt.h"

#include <csignal>
#include <cstdlib>
#include <string>

#include <unistd.h>

#include "core/error.h"

namespace sqpsych {
namespace {

volatile std::sig_atomic_t requested = 0;

void on_signal(int signal) {
  if (requested && signal == SIGINT) _exit(static_cast<int>(ExitCode::kInterrupted));
  requested = 1;
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
  // A closed pipe is an error of the write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // The same for a file that grows beyond the limit of `ulimit -f`.
  std::signal(SIGXFSZ, SIG_IGN);
}

bool interrupt_requested() { return requested != 0; }

void set_interrupt_requested(bool value) { requested = value ? 1 : 0; }

void throw_if_interrupted(const char* where) {
  if (interrupt_requested())
    throw Interrupted(std::string(where) +
                      ": interrupted by a signal. Run the same command again to go on.");
}

}  // namespace sqpsych
