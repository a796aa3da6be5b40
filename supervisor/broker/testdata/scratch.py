import glob, io, json, os, pathlib, shutil, sqlite3, stat, tempfile, threading, zipfile

assert os.getcwd() == "/tmp", os.getcwd()
assert tempfile.gettempdir() == "/tmp"
assert os.listdir("/tmp") == []

# Named, unnamed and spooled temporary files.
with tempfile.NamedTemporaryFile("w+") as f:
    f.write("hello\nworld\n")
    f.seek(0)
    assert f.readlines() == ["hello\n", "world\n"]
    f.truncate(5)
    assert os.stat(f.name).st_size == 5 == os.fstat(f.fileno()).st_size
    assert os.path.samestat(os.stat(f.name), os.fstat(f.fileno()))
    assert stat.S_IMODE(os.stat(f.name).st_mode) == 0o600
assert not os.path.exists(f.name)
with tempfile.TemporaryFile() as f:
    f.write(b"x" * 100000)
    f.flush()
    os.fsync(f.fileno())
    f.seek(-10, os.SEEK_END)
    assert f.read() == b"x" * 10
with tempfile.SpooledTemporaryFile(max_size=10) as f:
    f.write(b"y" * 100)
    f.seek(0)
    assert f.read() == b"y" * 100
fd, name = tempfile.mkstemp(suffix=".csv")
with os.fdopen(fd, "w") as f:
    f.write("a,b\n1,2\n")
assert open(name).read() == "a,b\n1,2\n"
os.remove(name)

# Trees.
with tempfile.TemporaryDirectory() as d:
    p = pathlib.Path(d)
    (p / "a" / "b").mkdir(parents=True)
    (p / "a" / "b").mkdir(parents=True, exist_ok=True)
    for i in range(300):
        (p / "a" / f"file{i:03}").write_text(str(i))
    (p / "a" / "b" / "deep.json").write_text(json.dumps({"k": [1, 2]}))
    (p / "link").symlink_to("a/b")
    (p / "absolute").symlink_to(p / "a" / "file007")
    assert (p / "absolute").read_text() == "7"
    assert json.loads((p / "link" / "deep.json").read_text()) == {"k": [1, 2]}
    assert os.readlink(p / "link") == "a/b"
    assert os.path.realpath(p / "link" / "..") == str(p / "a")
    assert sorted(os.listdir(p / "a")) == sorted([f"file{i:03}" for i in range(300)] + ["b"])
    assert [e.name for e in os.scandir(p) if e.is_symlink()] != []
    assert len(list(p.rglob("file*"))) == 300
    assert len(glob.glob(d + "/a/file00*")) == 10
    assert sum(len(files) for _, _, files in os.walk(p)) == 302  # with the link to a file
    shutil.copytree(p / "a", p / "copy")
    shutil.copytree(p, "/tmp/whole", symlinks=True)
    assert (p / "copy" / "file299").read_text() == "299"
    shutil.copy2(p / "a" / "file001", p / "c")
    os.chmod(p / "c", 0o640)
    assert stat.S_IMODE((p / "c").stat().st_mode) == 0o640
    shutil.copy(p / "c", p / "c2")
    assert stat.S_IMODE((p / "c2").stat().st_mode) == 0o640
    os.utime(p / "c", (1000, 2000))
    assert os.stat(p / "c").st_mtime == 2000
    os.replace(p / "c", p / "d")
    os.rename(p / "copy", p / "moved")
    shutil.move(p / "moved", p / "a" / "moved")
    assert (p / "a" / "moved" / "b" / "deep.json").exists()
    os.link(p / "d", p / "hard")
    assert os.stat(p / "d").st_nlink == 2
    os.truncate(p / "d", 0)
    assert (p / "hard").read_bytes() == b""
    shutil.make_archive(str(p / "z"), "zip", p / "a" / "b")
    assert zipfile.ZipFile(p / "z.zip").namelist()
    for root, dirs, files, fd in os.fwalk(p / "a"):
        assert os.fstat(fd).st_ino == os.stat(root).st_ino
    shutil.rmtree("/tmp/whole")
assert os.listdir("/tmp") == []

# The current directory.
os.mkdir("work")
os.chdir("work")
assert os.getcwd() == "/tmp/work"
open("here", "w").close()
assert os.path.abspath("here") == "/tmp/work/here" and os.path.exists("/tmp/work/here")
fd = os.open("..", os.O_RDONLY)
os.fchdir(fd)
assert os.getcwd() == "/tmp" and os.listdir(fd) == ["work"]
os.close(fd)
fd = os.open("work", os.O_RDONLY)
assert os.stat("here", dir_fd=fd).st_size == 0
os.unlink("here", dir_fd=fd)
os.close(fd)
os.rmdir("work")

# A database with its journal and locks.
with sqlite3.connect("/tmp/data.db") as db:
    db.execute("create table t (x)")
    db.executemany("insert into t values (?)", [(i,) for i in range(1000)])
    db.commit()
    assert db.execute("select sum(x) from t").fetchone() == (499500,)
db.close()
os.remove("/tmp/data.db")

# Limits of room.
try:
    with open("/tmp/big", "wb") as f:
        for _ in range(20):
            f.write(b"z" * (1 << 20))
except OSError as e:
    assert e.errno == 28, e
else:
    raise AssertionError("20 MiB fitted into 8")
os.remove("/tmp/big")
try:
    for i in range(3000):
        open(f"/tmp/n{i}", "w").close()
except OSError as e:
    assert e.errno == 28 and i == 2000, (e, i)
else:
    raise AssertionError("3000 files fitted into 2000")
for i in range(2000):
    os.remove(f"/tmp/n{i}")
assert shutil.disk_usage("/tmp").total == 8 << 20

# Threads.
def work(n):
    for i in range(50):
        name = f"/tmp/t{n}-{i}"
        with open(name, "w") as f:
            f.write(name)
        with open(name) as f:
            assert f.read() == name
        os.remove(name)
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
assert os.listdir("/tmp") == []

# Nothing else is there.
for path in ["/etc/passwd", "/proc/self/status", "/tmp/../etc/passwd", "/tmp/x/../../etc/hostname"]:
    try:
        open(path)
    except PermissionError:
        pass
    else:
        raise AssertionError(path)
os.symlink("/etc", "/tmp/etc")
for path in ["/tmp/etc/passwd", "/tmp/etc/../etc/passwd"]:
    try:
        open(path)
    except PermissionError:
        pass
    else:
        raise AssertionError(path)
print("done")
