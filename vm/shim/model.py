"""The model's modules: how they are loaded, called and reported.

The import rule and the shortened tracebacks are courtesy. A model can undo
both, and gains nothing: system calls stay judged outside.
"""

import _imp
import _thread
import builtins
import errno
import importlib.util
import linecache
import os
import random
import sys
import traceback
import warnings

from _hotcell import absent, arrays, functions, library

# Causes of an Exception frame.
RAISED, SYNTAX, NO_FUNCTION, INPUT, INVALID_RESULT, OUTPUT, MEMORY, RECURSION = range(1, 9)

MAX_MESSAGE = 4096
MAX_TRACEBACK = 24 << 10
MAX_FRAMES = 1000  # from the last one back: more would not fit, and takes memory
SHIM = "<hotcell "

own_files = set()


class File:
    """One source file of the model; module is "" for the model itself."""

    def __init__(self, module, path, package, offset, size):
        self.module, self.path, self.package, self.offset, self.size = module, path, package, offset, size


class NoFunction(Exception):
    """The model does not define what should be called."""


class Model:
    """A user's model in this process: load once, call any number of times."""

    def __init__(self, load, source, ask):
        self.load_message, self.ask = load, ask
        self.sources = {f.module: (f, source[f.offset : f.offset + f.size]) for f in load.files}
        self.function = None
        self.bound, self.output, self.functions = None, None, None
        self.names = None  # of the inputs that were good last

    def load(self):
        """Runs the model's statements; its function must exist then."""
        self.builtins = dict(vars(builtins), __import__=self.import_module)
        # Only what is built in, kept in memory or comes with the model is left
        # to be found: no library file can be opened any more.
        sys.meta_path[:] = [self, *sys.meta_path[:2], library.LIBRARY, absent.ABSENT]
        sys.path_importer_cache.clear()
        sys.path[:] = []
        file, _ = self.sources[""]
        spec = importlib.util.spec_from_loader("model", self, origin=file.path)
        module = importlib.util.module_from_spec(spec)
        sys.modules["model"] = module
        sys.modules["hotcell"] = inside(self.output, self.functions, self.load_message.functions)
        self.execute(module, "")
        name = self.load_message.function
        self.function = getattr(module, name, None)
        if not callable(self.function):
            raise NoFunction(f"{file.path} defines no function {name}: write def {name}(...), or name another with --function")

    def call(self, inputs):
        """Calls the function with the inputs by name."""
        if inputs.keys() != self.names:
            check_inputs(self.function, self.load_message.function, inputs)
            self.names = frozenset(inputs)
        return self.function(**inputs)

    # A finder and loader for sys.meta_path, for the model's other modules.

    def find_spec(self, name, path=None, target=None):
        if not name or name not in self.sources:
            return None
        file, _ = self.sources[name]
        return importlib.util.spec_from_loader(name, self, origin=file.path, is_package=file.package)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        self.execute(module, module.__spec__.name)

    def execute(self, module, key):
        file, source = self.sources[key]
        code = compiled(source, file.path)
        own_files.add(file.path)
        linecache.cache[file.path] = (len(source), None, decode(source).splitlines(True), file.path)
        module.__file__ = file.path
        module.__builtins__ = self.builtins
        exec(code, vars(module))

    def import_module(self, name, globals=None, locals=None, fromlist=(), level=0):
        """What import statements of the model's own modules call."""
        # A list is how compiled code imports for itself, through the builtins
        # of whoever called it: _strptime, say, for datetime. Statements give
        # a tuple.
        if level == 0 and type(fromlist) is not list and not self.may_import_from(name, fromlist):
            allowed, text = self.ask("import", name)
            if not allowed:
                raise ImportError(text, name=name)
        try:
            return builtins.__import__(name, globals, locals, fromlist, level)
        except ModuleNotFoundError as e:
            own = str(e.name).partition(".")[0] in self.sources
            if level == 0 and e.msg == f"No module named {e.name!r}" and self.may_import(e.name) and not own:
                e.msg = absent.not_installed(e.name)
            raise

    def may_import_from(self, name, parts):
        """The rule for a statement: "from package import part" needs only the part to be allowed."""
        return self.may_import(name) or bool(parts) and all(self.may_import(f"{name}.{part}") for part in parts)

    def may_import(self, name):
        parts = name.split(".")
        prefixes = {".".join(parts[: i + 1]) for i in range(len(parts))}
        return bool(prefixes & self.load_message.modules) or parts[0] in self.sources or name == "hotcell"


def compiled(source, path):
    """A model's source as code.

    For the message of a syntax error, CPython opens the file that the source
    is said to come from: a routed operation, refused, that the model never
    tried. So it compiles under a name that is no file's, as it cannot be
    encoded, and what comes of it gets its name afterwards.
    """
    rename = getattr(_imp, "_fix_co_filename", None) if sys.implementation.name == "cpython" else None
    name = path + "\ud800" if rename else path
    caught, show = [], warnings.showwarning
    # Not catch_warnings, which takes twice the time of compiling a small model.
    warnings.showwarning = lambda message, category, filename, lineno, *rest: caught.append((message, category, path, lineno))
    try:
        code = compile(source, name, "exec", dont_inherit=True)
    except SyntaxError as e:
        raise renamed(e, source, path)
    except ValueError as e:  # a NUL byte, before Python 3.12
        raise SyntaxError(str(e), (path, 0, 0, "")) from None
    finally:
        warnings.showwarning = show
    if rename:
        rename(code, path)
    for w in caught:
        warnings.warn_explicit(*w)
    return code


def renamed(e, source, path):
    """A syntax error with the name and, where the compiler left it out, the line."""
    e.filename = path
    lines = decode(source).splitlines(True)
    if e.text is None and as_line(e.lineno) and e.lineno <= len(lines):
        e.text = lines[e.lineno - 1]
    e.args = (e.msg, (path, *e.args[1][1:])) if len(e.args) > 1 else e.args
    return e


def inside(output, calls, names):
    """The module hotcell as a model sees it."""
    module = type(sys)("hotcell", "What a model may ask of the sandbox that it runs in, and the host's functions.")
    module.empty = output.empty
    module.FunctionError = functions.FunctionError
    for name in names:
        setattr(module, name, calls.make(name))
    module.__all__ = ["FunctionError", "empty", *names]
    return module


def decode(source):
    """A source's text for tracebacks: what compiles may still be wrongly encoded, in a comment."""
    try:
        return importlib.util.decode_source(source)
    except (SyntaxError, UnicodeError):
        return source.decode("utf-8", "replace")


def check_inputs(function, name, inputs):
    """An unknown or a missing name is the user's mistake, not the model's.

    It looks at plain functions only, without inspect, whose import would
    cost a model that needs no numpy half of its start.
    """
    if type(function) is not type(check_inputs):
        return
    code, defaults = function.__code__, len(function.__defaults__ or ())
    if code.co_posonlyargcount and code.co_argcount > defaults:
        raise arrays.UnusableInput(f"{name} has positional-only parameters: inputs are passed by name")
    positional = code.co_varnames[code.co_posonlyargcount : code.co_argcount]
    keyword = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    optional = set(positional[max(0, len(positional) - defaults) :]) | set(function.__kwdefaults__ or ())
    named = [*positional, *keyword]
    takes = ", ".join(named) or "none"
    unknown = [n for n in inputs if n not in named]
    if unknown and not code.co_flags & CO_VARKEYWORDS:
        raise arrays.UnusableInput(f"unknown input {', '.join(unknown)}: {name} takes {takes}")
    missing = [n for n in named if n not in optional and n not in inputs]
    if missing:
        raise arrays.UnusableInput(f"missing input {', '.join(missing)}: {name} takes {takes}; give it as NAME=VALUE or NAME=@FILE")


CO_VARKEYWORDS = 0x08


class Description:
    """An exception as the Exception frame has it."""

    def __init__(self, cause, kind, message, text="", file="", line=0):
        self.cause, self.kind, self.message = cause, cut(kind, 256), cut(message, MAX_MESSAGE)
        self.traceback, self.file, self.line = cut(text, MAX_TRACEBACK), cut(file, 1024), line


def cut(text, most):
    """At most that many bytes of UTF-8; the middle of a long text goes."""
    data = str.encode(text, "utf-8", "backslashreplace")  # not text.encode: the model may have a str of its own
    if len(data) <= most:
        return data.decode()
    half = (most - 32) // 2
    return data[:half].decode("utf-8", "ignore") + "\n[...]\n" + data[-half:].decode("utf-8", "ignore")


OWN = (
    (NoFunction, NO_FUNCTION),
    (arrays.UnusableInput, INPUT),
    (arrays.InvalidResult, INVALID_RESULT),
    (arrays.OutputTooLarge, OUTPUT),
)


def describe(e):
    """Describes what the model raised; no class of the model's can break it."""
    kind = type(e)
    try:
        for own, cause in OWN:
            if kind is own:
                return Description(cause, "", str(e))
        return describe_raised(e)
    except BaseException as second:
        return Description(cause_of(e), name_of(kind), f"its description raised {name_of(type(second))}")


def describe_raised(e):
    kind, message = type(e), absent.with_cause(str(e))
    frames = [f for f in traceback.extract_tb(e.__traceback__, -MAX_FRAMES) if not f.filename.startswith(SHIM)]
    if isinstance(e, SyntaxError) and not frames:
        text = "".join(traceback.format_exception_only(kind, e))
        return Description(SYNTAX, name_of(kind), str(e.msg or message), text, str(e.filename or ""), as_line(e.lineno))
    # The model's own line, even where a library raised.
    own = [f for f in frames if f.filename in own_files]
    last = own[-1] if own else frames[-1] if frames else None
    file, line = (last.filename, last.lineno) if last else ("", 0)
    return Description(cause_of(e), name_of(kind), message, format_chain(e), file, as_line(line))


# As OSError has it, whatever a subclass of the model's says.
get_errno = vars(OSError)["errno"].__get__


def cause_of(e):
    kind = type(e)
    if issubclass(kind, MemoryError) or issubclass(kind, OSError) and get_errno(e) == errno.ENOMEM:
        return MEMORY
    return RECURSION if issubclass(kind, RecursionError) else RAISED


# As type has them: a metaclass of the model's may raise in place of a name.
get_qualname = vars(type)["__qualname__"].__get__
get_module = vars(type)["__module__"].__get__


def name_of(kind):
    """A class's name, with its module unless that is obvious."""
    name, module = str.__str__(get_qualname(kind)), get_module(kind)
    return name if type(module) is not str or module in ("builtins", "model") else f"{module}.{name}"


def as_line(number):
    return number if type(number) is int and 0 <= number < 1 << 32 else 0


def format_chain(e):
    """The traceback as Python prints it, without the shim's frames."""
    tb = traceback.TracebackException(type(e), e, e.__traceback__, limit=-MAX_FRAMES)
    pending, seen = [tb], set()
    while pending:  # no recursion: a chain may be as long as the model likes
        t = pending.pop()
        if t is None or id(t) in seen:
            continue
        seen.add(id(t))
        t.stack = traceback.StackSummary.from_list([f for f in t.stack if not f.filename.startswith(SHIM)])
        pending += (t.__cause__, t.__context__, *(getattr(t, "exceptions", None) or ()))
    return "".join(tb.format())


def without_library_sources():
    """Tracebacks show the lines of the model's files only: looking for those
    of a library would be routed operations, all refused. CPython's own
    writers of tracebacks look for every file, so they are replaced."""
    linecache.updatecache = lambda filename, module_globals=None: []
    sys.unraisablehook = tell_unraisable
    _thread._excepthook = tell_thread  # for a threading that is still to come
    if "threading" in sys.modules:
        sys.modules["threading"].excepthook = tell_thread


def tell_unraisable(args):
    """What sys.unraisablehook does, of an exception in __del__ for example."""
    try:
        what = f": {args.object!r}" if args.object is not None else ""
    except BaseException:
        what = ": <object repr() failed>"
    print(f"{args.err_msg or 'Exception ignored in'}{what}", file=sys.stderr)
    traceback.print_exception(args.exc_type, args.exc_value, args.exc_traceback, file=sys.stderr)


def tell_thread(args):
    """What threading.excepthook does."""
    if args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread is not None else _thread.get_ident()
    print(f"Exception in thread {name}:", file=sys.stderr)
    traceback.print_exception(args.exc_type, args.exc_value, args.exc_traceback, file=sys.stderr)


def seed_generators(seed, reproducible):
    """Gives random and numpy's global generator a state of this sandbox's own.

    With a seed that the user chose, os.urandom repeats too: numpy's
    default_rng() and secrets draw from it.
    """
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        words = [int.from_bytes(seed[i : i + 4], "little") for i in range(0, len(seed), 4)]
        numpy.random.seed(words)
    if reproducible:
        draw = random.Random(seed + b"urandom").randbytes
        os.urandom = random._urandom = draw
