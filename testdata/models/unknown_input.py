# run: pricess=1
# verdict: setup-error
# source: model
# exit: 2
# reason: unknown input pricess: model takes prices, window
def model(prices, window=3):
    return prices
