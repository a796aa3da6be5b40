# run: n=3 text=hello flag=true nothing=null items=[1,2.5,"x"] table={"b":1,"a":{"c":[]}} big=123456789012345678901234567890
# exit: 0
# value: n 4
# value: text "hello!"
# value: flag false
# value: nothing null
# value: big "123456789012345678901234567891"
# value: items "[1, 2.5, 'x']"
# value: table "{'b': 1, 'a': {'c': []}}"
# value: pair [1.5, -2.0]
# value: inf ["Infinity", "-Infinity", "NaN"]
# value: day "2024-02-29"
import numpy as np


def model(n, text, flag, nothing, items, table, big):
    return {
        "n": n + 1,
        "text": text + "!",
        "flag": not flag,
        "nothing": nothing,
        "items": repr(items),
        "table": repr(table),
        "big": big + 1,
        "pair": 1.5 - 2j,
        "inf": np.array([np.inf, -np.inf, np.nan]),
        "day": np.datetime64("2024-02-29"),
    }
