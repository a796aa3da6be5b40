# run: prices=@$DATA/eu-stock-indices.csv:DAX[:10]
# verdict: exception
# source: model
# exit: 1


def model(prices):
    prices[0] = 0  ### "^ValueError: assignment destination is read-only$"
