"""A user's model: trade an index by its momentum, sized by volatility.

Inputs: prices, float64 (days,), closing prices; window, days of look-back;
target, the yearly volatility to aim at. Returns arrays of one value a day.
"""

import numpy as np

DAYS = 252  # trading days in a year


def model(prices, window=60, target=0.10):
    returns = np.diff(np.log(prices), prepend=np.log(prices[0]))

    # The signal: the return over the window, in standard deviations.
    total = np.cumsum(returns)
    trend = np.zeros_like(prices)
    trend[window:] = total[window:] - total[:-window]
    volatility = rolling_std(returns, window)
    signal = np.tanh(trend / np.maximum(volatility * np.sqrt(window), 1e-9))

    # The position: scaled so that its volatility is near the target, and
    # taken the day after the signal is known.
    size = np.minimum(target / np.maximum(volatility * np.sqrt(DAYS), 1e-9), 2.0)
    position = np.concatenate([[0.0], (signal * size)[:-1]])
    position[: window + 1] = 0.0

    equity = np.exp(np.cumsum(position * returns))
    drawdown = equity / np.maximum.accumulate(equity) - 1.0
    gained = position * returns
    return {
        "signal": signal,
        "position": position,
        "equity": equity,
        "drawdown": drawdown,
        "sharpe": float(gained.mean() / gained.std() * np.sqrt(DAYS)),
        "worst_drawdown": float(drawdown.min()),
    }


def rolling_std(x, window):
    """Standard deviation of the last window values, from running sums."""
    sums = np.cumsum(np.concatenate([[0.0], x]))
    squares = np.cumsum(np.concatenate([[0.0], x * x]))
    out = np.zeros_like(x)
    mean = (sums[window:] - sums[:-window]) / window
    square = (squares[window:] - squares[:-window]) / window
    out[window - 1 :] = np.sqrt(np.maximum(square - mean * mean, 0.0))
    return out
