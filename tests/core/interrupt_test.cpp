#include "core/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include <unistd.h>

namespace sqpsych {
namespace {

/// A pipe in the place of stdin.
class Waiting : public ::testing::Test {
 protected:
  void SetUp() override {
    install_interrupt_handlers();
    set_interrupt_requested(false);
    ASSERT_EQ(pipe(ends_), 0);
  }
  void TearDown() override {
    set_interrupt_requested(false);
    for (const int end : ends_) close(end);
  }
  int ends_[2];
};

TEST_F(Waiting, EndsWithInputAndWithItsEnd) {
  ASSERT_EQ(write(ends_[1], "x", 1), 1);
  EXPECT_TRUE(wait_for_input(ends_[0]));
  char byte = 0;
  ASSERT_EQ(read(ends_[0], &byte, 1), 1);
  close(ends_[1]);
  EXPECT_TRUE(wait_for_input(ends_[0]));
  ends_[1] = dup(ends_[0]);
}

TEST_F(Waiting, EndsWithASignalThatCameBefore) {
  std::raise(SIGINT);
  EXPECT_FALSE(wait_for_input(ends_[0]));
}

TEST_F(Waiting, EndsWithASignalOnAnotherThread) {
  sigset_t signals;
  sigset_t before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  std::thread other([] {
    usleep(20'000);
    pthread_kill(pthread_self(), SIGTERM);
  });
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  EXPECT_FALSE(wait_for_input(ends_[0]));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  other.join();
}

TEST_F(Waiting, IsNotEndedByASignalThatWasAnswered) {
  std::raise(SIGINT);
  set_interrupt_requested(false);
  ASSERT_EQ(write(ends_[1], "x", 1), 1);
  EXPECT_TRUE(wait_for_input(ends_[0]));
}

TEST(InterruptDeathTest, ASecondSigintEndsTheProcessOnTheSpot) {
  const auto raised_twice = [](int number) {
    install_interrupt_handlers();
    std::raise(number);
    std::raise(number);
    _exit(0);
  };
  EXPECT_EXIT(raised_twice(SIGINT), ::testing::ExitedWithCode(75), "");
  EXPECT_EXIT(raised_twice(SIGTERM), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sqpsych
