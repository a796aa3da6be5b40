# run: prices=@$DATA/eu-stock-indices.csv:DAX[:10]
# verdict: exception
# source: model
# exit: 1


def model(prices):
    view = prices[2:]
    try:
        view.flags.writeable = True
    except ValueError:
        prices.flags.writeable = True  ### "^ValueError: cannot set WRITEABLE flag to True of this array$"
    prices[0] = 0
