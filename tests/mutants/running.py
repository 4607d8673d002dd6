"""Mistakes in running many tasks and saying so: `run.py`, `fair_queue.py`, `handover.py`, `deliver.py`."""

from mutants.change import Change

DEFER = "unit/test_entry_defer.py"
RUN = "unit/core/test_run.py"
ORDER = "unit/core/test_order.py"
AGAIN = "unit/test_entry_defer.py"
HANDED = "unit/core/test_again.py"
BUDGET = "unit/core/test_budget.py"
TELL = "unit/core/test_tell.py"

RUNNING = (
    Change(
        "results-as-they-come",
        "core/run.py",
        "ended = [results.get(number) or self._late(task, number in begun) for number, task in enumerate(tasks)]",
        "ended = [*results.values(), *(self._late(t, False) for n, t in enumerate(tasks) if n not in results)]",
        "a message is acknowledged for what became of another",
        (ORDER,),
    ),
    Change(
        "one-key-side-by-side",
        "core/run.py",
        "groups.setdefault((task.forward, *place), [])",
        "groups.setdefault((task.forward, *place, str(number)), [])",
        "two tasks of one key race each other within one process",
        (ORDER,),
    ),
    Change(
        "defect-kills-its-neighbours",
        "core/run.py",
        "except Exception as error:",
        "except LookupError as error:",
        "one poisoned object costs all the others their results",
        (RUN,),
    ),
    Change(
        "late-reported-copied",
        "core/run.py",
        "Ending(Outcome.UNFINISHED, error=error",
        "Ending(Outcome.COPIED, error=error",
        "the event is acknowledged and its object never arrives",
        (RUN,),
    ),
    Change(
        "refusal-comes-again",
        "core/run.py",
        "return self.results.all(tasks, Ending.by(error))",
        "return self.results.all(tasks, Ending(Outcome.FAILED, error=str(error), retryable=True))",
        "the platform repeats for hours what can only be refused",
        (RUN,),
    ),
    Change(
        "requests-that-hang-are-waited-for",
        "core/run.py",
        "while (left := end - time.monotonic()) > 0 and not crew.wait(hands, min(left, PERIOD)):",
        "while not crew.wait(hands, PERIOD):",
        "the platform kills the function before the lists are written",
        (RUN,),
    ),
    Change(
        "share-without-a-limit",
        "core/fair_queue.py",
        "if self._running[place] < self._share:",
        "if True:",
        "a target that hangs takes every thread",
        (ORDER,),
    ),
    Change(
        "first-come-first-served",
        "core/fair_queue.py",
        "key=lambda p: self._running[p])",
        "key=str)",
        "a target that hangs is served before the one that works",
        (ORDER,),
    ),
    Change(
        "threads-kept-from-the-next-invocation",
        "core/budget.py",
        "self._threads.release(taken)",
        "self._threads.release()",
        "a warm process gets slower with each invocation",
        (BUDGET,),
    ),
    Change(
        "handed-over-and-brought-again",
        "drivers/handover.py",
        "handed += [result for _, result in mine]",
        "handed += []",
        "the platform brings again what goes on already, and it multiplies",
        (AGAIN,),
    ),
    Change(
        "not-handed-over-and-forgotten",
        "drivers/handover.py",
        'return frozenset(handed), f"this',
        'return frozenset(result for _, result in late), f"this',
        "what could not be handed over comes again by nobody",
        (AGAIN,),
    ),
    Change(
        "attempts-not-counted",
        "drivers/handover.py",
        "attempt=entry.attempt + 1,",
        "attempt=entry.attempt,",
        "a task that can never end calls the function for ever",
        (AGAIN,),
    ),
    Change(
        "given-up-one-late",
        "drivers/handover.py",
        "each.attempt + 1 >= MOST",
        "each.attempt + 1 > MOST",
        "one invocation more than was said",
        (AGAIN,),
    ),
    Change(
        "what-is-handed-over-forgets-its-time",
        "drivers/handover.py",
        "time=task.time,",
        "time=None,",
        "the lag in the lists is that of the last invocation",
        (HANDED,),
    ),
    Change(
        "what-is-handed-over-forgets-its-cause",
        "drivers/handover.py",
        "cause=task.cause,",
        'cause="",',
        "the lists do not say which event an object that took long came from",
        (HANDED,),
    ),
    Change(
        "failed-notice-reported-forwarded",
        "forward/deliver.py",
        "Ending.by(verdict, late=late) if verdict else",
        "Ending.by(verdict, late=late) if verdict and not verdict.retryable else",
        "nobody moves the object and nobody says so",
        (TELL,),
    ),
    Change(
        "late-notice-reported-failed",
        "core/results.py",
        "Outcome.UNFINISHED if late or isinstance(error, OutOfTime) else Outcome.FAILED",
        "Outcome.FAILED",
        "what only lacked time is not handed over",
        (TELL,),
    ),
    Change(
        "verdicts-of-the-neighbours",
        "forward/deliver.py",
        "return [next(answers) if isinstance(n, Notice) else n for n in notices]",
        "return [*answers, *(n for n in notices if not isinstance(n, Notice))]",
        "the wrong task is reported failed",
        (TELL,),
    ),
    Change(
        "handed-over-without-end",
        "drivers/handover.py",
        "        if left <= longest:",
        "        if left < 0:",
        "the platform kills the function while it hands over, and brings again what another invocation has",
        (DEFER,),
    ),
    Change(
        "log-lines-without-end",
        "drivers/record.py",
        "        if current().remaining() <= kept:",
        "        if False:",
        "the log of thousands of tasks takes the time in which they were to be handed over",
        (DEFER,),
    ),
)
