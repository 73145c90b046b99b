"""chat with a pipe and on a terminal: Ctrl-C, Ctrl-D, commands, and every kind of model."""

import signal
import subprocess
import unittest

import material
from command import DONE, INTERRUPTED, SETTINGS, ended, sqpsych, start
from terminal import Terminal

PROMPT = "you> "
CTRL_C, CTRL_D = "\x03", "\x04"
# Greedy, an untrained model repeats itself, so a reply lasts until something stops it.
ENDLESS = material.sets("temperature=0", "max_tokens=8000")


def talk(lines, *arguments):
    process = start("chat", *arguments, stdin=subprocess.PIPE)
    out, err = process.communicate("".join(line + "\n" for line in lines), timeout=120)
    return process.returncode, out, err


class Pipe(unittest.TestCase):
    def test_every_line_gets_a_reply_from_every_kind_of_model(self):
        kinds = {"folder": [material.model()], "folder + adapter": [material.model(), "--adapter", material.adapter()],
                 "GGUF": [material.gguf()], "GGUF + adapter": [material.gguf(), "--adapter", material.adapter()]}
        replies = {}
        for kind, model in kinds.items():
            with self.subTest(kind):
                code, out, err = talk(["I sleep badly.", "", "I worry."], "--model", *model,
                                      *material.sets("temperature=0", "max_tokens=12"))
                self.assertEqual(code, DONE, err)
                self.assertIn("not for patients, not for crises", err)
                self.assertNotIn(PROMPT, err)
                replies[kind] = out
        self.assertEqual(replies["folder"], replies["GGUF"])
        self.assertEqual(replies["folder + adapter"], replies["GGUF + adapter"])
        self.assertNotEqual(replies["folder"], replies["folder + adapter"])

    def test_commands(self):
        code, out, err = talk(["/help", "/reset", "/nonsense", "/quit", "never read"], "--model", material.model())
        self.assertEqual((code, out), (DONE, ""))
        for part in ("/reset ", "forgotten", "Unknown command /nonsense"):
            self.assertIn(part, err)

    def test_reset_forgets(self):
        options = ["--model", material.model(), *material.sets("temperature=0", "max_tokens=12")]
        _, once, _ = talk(["I sleep badly."], *options)
        _, twice, _ = talk(["I worry.", "/reset", "I sleep badly."], *options)
        self.assertTrue(twice.endswith(once), (once, twice))

    def test_no_input_at_all(self):
        self.assertEqual(talk([], "--model", material.model())[:2], (DONE, ""))

    def test_a_line_longer_than_the_context_is_refused_and_the_next_one_answered(self):
        options = ["--model", material.model(), *material.sets("temperature=0", "max_tokens=5")]
        code, out, err = talk(["sleep " * 3000, "I worry."], *options)
        self.assertEqual(code, DONE, err)
        self.assertIn("warning: ", err)
        self.assertEqual(out, talk(["I worry."], *options)[1])

    def test_a_signal_without_a_reply_ends_it(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = start("chat", "--model", material.model(), stdin=subprocess.PIPE)
            process.send_signal(number)
            self.assertEqual(ended(process).code, INTERRUPTED)


class OnATerminal(unittest.TestCase):
    def chat(self, *arguments):
        return Terminal("chat", "--model", material.model(context=8192), *arguments)

    def test_ctrl_d_leaves(self):
        terminal = self.chat()
        terminal.wait_for(PROMPT)
        terminal.type(CTRL_D)
        self.assertEqual(terminal.ended()[0], DONE)

    def test_ctrl_c_at_the_prompt_leaves(self):
        terminal = self.chat()
        terminal.wait_for(PROMPT)
        terminal.type(CTRL_C)
        status, screen = terminal.ended()
        self.assertEqual(status, INTERRUPTED)
        self.assertTrue(screen.endswith("\n"), repr(screen))

    def test_ctrl_c_ends_a_reply_and_the_conversation_goes_on(self):
        terminal = self.chat(*ENDLESS)
        terminal.wait_for(PROMPT)
        terminal.type("I sleep badly.\n")
        terminal.wait_for("badly.\r\n")
        terminal.wait_for_more()
        terminal.type(CTRL_C)
        self.assertNotIn("max_tokens", terminal.wait_for(PROMPT))
        terminal.type("/quit\n")
        self.assertEqual(terminal.ended()[0], DONE)

    def test_banner_fits_into_80_columns(self):
        terminal = self.chat()
        banner = terminal.wait_for(PROMPT)
        self.assertIn("emergency", banner)
        for line in banner.splitlines():
            self.assertLessEqual(len(line), 80, line)
        terminal.type("/quit\n")
        self.assertEqual(terminal.ended()[0], DONE)


class Settings(unittest.TestCase):
    def test_wrong_ones_end_before_the_first_prompt(self):
        for setting in ("temperature=-1", "max_tokens=0", "chat_template=nonsense", "temprature=1"):
            result = sqpsych("chat", "--model", material.model(), "--set", setting)
            self.assertEqual(result.code, SETTINGS, result)
            self.assertIn(setting.split("=")[0] if setting != "chat_template=nonsense" else "nonsense", result.err)


if __name__ == "__main__":
    unittest.main()
