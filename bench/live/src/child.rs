//! Processes of this run: each does one thing, so that what the system counts for it is what that thing costs.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// This program again, with other arguments: asked by lines, answering by lines. Ends with its owner.
pub struct Helper {
    child: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Helper {
    pub fn start(arguments: &[&str]) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let (asked, answers) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Self { child, asked, answers: BufReader::new(answers) }
    }

    pub fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        assert!(!line.is_empty(), "a process of the bench ended early");
        line.trim_end().to_owned()
    }

    pub fn ask(&mut self, line: &str) -> String {
        writeln!(self.asked, "{line}").expect("asked");
        self.answer()
    }

    /// The numbers of an answer.
    pub fn numbers(&mut self, line: &str) -> Vec<u64> {
        self.ask(line).split(' ').map(|word| word.parse().expect("a number")).collect()
    }

    pub fn usage(&self) -> Usage {
        Usage::of(self.child.id())
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has used.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Seconds of all its threads, in the program and in the kernel for it.
    pub cpu_s: f64,
    /// Memory of its own, bytes.
    pub memory: u64,
}

impl Usage {
    pub fn of(process: u32) -> Self {
        // Each thread's time in nanoseconds; `stat` would tell hundredths of a second.
        let threads = fs::read_dir(format!("/proc/{process}/task")).expect("a process");
        let cpu_ns: u64 = threads
            .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("schedstat")).ok())
            .map(|text| text.split(' ').next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0))
            .sum();
        let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
        let memory = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("memory");
        let kib: u64 = memory.trim().trim_end_matches(" kB").parse().expect("kB");
        Self { cpu_s: cpu_ns as f64 / 1e9, memory: kib * 1024 }
    }
}
