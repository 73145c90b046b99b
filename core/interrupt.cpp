#include "core/interrupt.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "core/error.h"

namespace sqpsych {
namespace {

volatile std::sig_atomic_t requested = 0;
// A signal may come just before a wait begins, or to another thread: the pipe ends the wait.
int wake_reader = -1;
int wake_writer = -1;

void on_signal(int signal) {
  if (requested && signal == SIGINT) _exit(static_cast<int>(ExitCode::kInterrupted));
  requested = 1;
  const int error = errno;
  [[maybe_unused]] const auto written = write(wake_writer, "", 1);
  errno = error;
}

void drain_wake_pipe() {
  char bytes[64];
  while (read(wake_reader, bytes, sizeof bytes) > 0) {
  }
}

}  // namespace

void install_interrupt_handlers() {
  int ends[2];
  if (wake_reader < 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
    wake_reader = ends[0];
    wake_writer = ends[1];
  }
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

void set_interrupt_requested(bool value) {
  if (!value) drain_wake_pipe();
  requested = value ? 1 : 0;
}

bool wait_for_input(int descriptor) {
  pollfd waited[] = {{descriptor, POLLIN, 0}, {wake_reader, POLLIN, 0}};
  while (!requested && waited[0].revents == 0)
    if (poll(waited, 2, -1) > 0 && waited[1].revents != 0) drain_wake_pipe();
  return !requested;
}

void throw_if_interrupted(const char* where) {
  if (interrupt_requested())
    throw Interrupted(std::string(where) +
                      ": interrupted by a signal. Run the same command again to go on.");
}

}  // namespace sqpsych
