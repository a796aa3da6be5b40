# run: prices=@$DATA/eu-stock-indices.csv:DAX[:10]
# verdict: exception
# exit: 1


def model(prices):
    prices[0] = 0  ### "^ValueError: assignment destination is read-only$"
