# run: window=3
# verdict: setup-error
# source: model
# exit: 2
# reason: missing input prices: model takes prices, window
def model(prices, window=3):
    return prices
