"""The child of FunctionGraphRuntime: calls a handler as FunctionGraph does, one event at a time.

Standard input: one JSON line that says what to run, then one line for each event. Standard output: `ready`
before each event, `result JSON` or `error JSON` after it. The handler's own printing goes to standard error.
Source of the context's methods: FunctionGraph developer guide, "Developing functions in Python".
"""

# ruff: noqa: N802  # the names are FunctionGraph's
import importlib
import io
import json
import os
import queue
import sys
import threading
import time
import traceback

PRINTED_AS = {"debug": "DEBUG", "info": "INFO", "warn": "WARN", "error": "ERROR"}


class Logger:
    """`context.getLogger()`: four levels, arguments by `%`; nothing else is documented."""

    def _write(self, level, message, args):
        print(f"{PRINTED_AS[level]} {message % args if args else message}", file=sys.stderr, flush=True)

    def debug(self, message, *args):
        self._write("debug", message, args)

    def info(self, message, *args):
        self._write("info", message, args)

    def warn(self, message, *args):
        self._write("warn", message, args)

    def error(self, message, *args):
        self._write("error", message, args)


class Context:
    """The documented methods and no others: what works here works there."""

    __slots__ = ("__end", "__setup", "__told")

    def __init__(self, setup, told):
        self.__setup, self.__told = setup, told
        self.__end = time.monotonic() + told["seconds"]

    def getRequestID(self):
        return self.__told["request"]

    def getRemainingTimeInMilliSeconds(self):
        return max(0, int((self.__end - time.monotonic()) * 1000))

    def getRunningTimeInSeconds(self):
        return int(self.__told["seconds"])

    def getUserData(self, key):
        return self.__setup["user_data"].get(key)

    def getFunctionName(self):
        return os.environ["RUNTIME_FUNC_NAME"]

    def getVersion(self):
        return os.environ["RUNTIME_FUNC_VERSION"]

    def getAlias(self):
        return ""

    def getMemorySize(self):
        return 256

    def getCPUNumber(self):
        return 300

    def getProjectID(self):
        return os.environ["RUNTIME_PROJECT_ID"]

    def getPackage(self):
        return "default"

    def getToken(self):
        return ""

    def getLogger(self):
        return Logger()

    def getSecurityAccessKey(self):
        return self.__setup["keys"][0]

    def getSecuritySecretKey(self):
        return self.__setup["keys"][1]

    def getSecurityToken(self):
        return self.__setup["keys"][2]

    def getAccessKey(self):
        return ""  # "stopped maintaining, cannot be used"

    def getSecretKey(self):
        return ""


def receive(pipe, events):
    """Put each line of *pipe* on *events*; at its end the parent is gone, and whatever the handler does is over."""
    rest = b""
    while chunk := os.read(pipe, 65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            events.put(line)
    os._exit(1)


def private_pipes():
    """Take standard input and output away from the handler, and from anything that it starts."""
    events = queue.SimpleQueue()
    threading.Thread(target=receive, args=(os.dup(0), events), daemon=True).start()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True)
    return events, answers


def failure(error):
    traceback.print_exception(type(error), error, error.__traceback__)
    return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})


def serve(events, answers):
    setup = json.loads(events.get())
    sys.path[:0] = setup["path"]
    module, _, name = setup["handler"].rpartition(".")
    try:
        handler = getattr(importlib.import_module(module), name)
    except Exception as error:  # noqa: BLE001  # the parent is told
        print("init-error", failure(error), file=answers)
        return
    print("ready", file=answers)
    while True:
        told = json.loads(events.get())
        try:
            answer = "result", json.dumps(handler(told["event"], Context(setup, told)))
        except Exception as error:  # noqa: BLE001  # the parent is told
            answer = "error", failure(error)
        print(*answer, file=answers)
        print("ready", file=answers)


if __name__ == "__main__":
    serve(*private_pipes())
