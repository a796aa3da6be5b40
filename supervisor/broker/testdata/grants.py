import json, os, pathlib, shutil

p = pathlib.Path(root)
assert (p / "file").read_text() == "content of file"
assert (p / "abs").read_text() == (p / "link").read_text() == "content of file"
assert (p / "dlink" / "up" / "link").read_text() == "content of file"
assert os.path.samefile(p / "file", p / "abs")
assert "dir" in os.listdir(root) and sorted(os.listdir(p / "dir")) == ["a", "b", "c", "empty", "sub", "up"]
assert os.path.realpath(p / "absdir" / "a") == str(p / "dir" / "a")

(p / "made" / "by").mkdir(parents=True)
(p / "made" / "by" / "model").write_text("model was here")
with open(p / "made" / "log", "a") as f:
    f.write("1\n")
with open(p / "made" / "log", "a") as f:
    f.write("2\n")
assert (p / "made" / "log").read_text() == "1\n2\n"
os.replace(p / "made" / "log", p / "made" / "log2")
shutil.copyfile(p / "file", p / "made" / "copy")
shutil.move(p / "made" / "log2", p / "made" / "by" / "log3")
os.chdir(p / "dir")
assert open("a").read() == "content of dir/a"
assert open("../file").read() == "content of file"
os.remove(p / "made" / "copy")
os.makedirs(p / "t" / "u" / "v")
shutil.rmtree(p / "t")
assert not (p / "t").exists()

assert json.load(open("/virtual.json")) == {"window": 20}
assert os.stat("/virtual.json").st_size == 14 == os.fstat(os.open("/virtual.json", os.O_RDONLY)).st_size
assert os.path.isfile("/virtual.json") and os.access("/virtual.json", os.R_OK) and not os.access("/virtual.json", os.W_OK)

def refused(action, *errors):
    try:
        action()
    except OSError as e:
        assert type(e) in (errors or (PermissionError,)), e
    else:
        raise AssertionError(action)

refused(lambda: open("/virtual.json", "w"), OSError)
refused(lambda: open(p / "out"))
refused(lambda: open(p / "absout"))
refused(lambda: os.listdir(p / "outdir"))
refused(lambda: open(p / "outdir" / "secret"))
refused(lambda: open(p / "absoutdir" / "passwd"))
refused(lambda: open(p / "fifo"))
refused(lambda: open(p / ".." / "secret"))
refused(lambda: open(p.parent / "secret"))
refused(lambda: os.chmod(p / "file", 0o777))
refused(lambda: os.utime(p / "file"))
refused(lambda: os.chown(p / "file", 1, 1))
refused(lambda: os.symlink("/etc", p / "new"))
refused(lambda: os.link(p / "file", p / "new"))
refused(lambda: os.mkfifo(p / "new"))
refused(lambda: os.listdir("/"))
os.fchdir(os.open(p, os.O_RDONLY))
assert os.getcwd() == root
refused(lambda: open("../secret"))
print("done")
