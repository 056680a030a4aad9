package demo

import (
	"fmt"
	"math/rand/v2"
	"time"

	"atelierd/internal/sandbox"
)

// regulars are wallets of clients who order again and again.
var regulars = []string{
	"7xKXmB4pQ2rT9sVwYzA3cD5eF6gH8jK1nL2mP49fQd", "9aLm3nB5vC7xZ1sD2fG4hJ6kQ8wE9rT1yU3iP5oK2m",
	"4tRe6yU8iO1pA3sD5fG7hJ9kL2zX4cV6bN8mQ1wE3r", "2wSx4eDc6rFv8tGb1yHn3uJm5iKq7oLp9aZ2sX4dC6",
	"5mNb7vCx9zAs1dFg3hJk5lQw7eRt9yUi2oPa4sDf6g",
}

// pastDays is how many days before the demo its agent had orders.
const pastDays = 29

// placePast adds the orders of the weeks before the demo, which clients have completed and
// the marketplace has paid. The owner made them by hand, so that the daemon only reads them.
func (d *demo) placePast() error {
	r := rand.New(rand.NewPCG(d.Seed, pastDays))
	list := services()
	today := time.Now().UTC().Truncate(24 * time.Hour)
	for day := pastDays; day > 0; day-- {
		for n := range 1 + r.IntN(4) {
			s := list[r.IntN(len(list))]
			price := s.price
			if s.title == titleCommission {
				price = "25.00"
			}
			at := today.AddDate(0, 0, -day).Add(time.Duration(r.IntN(20*60)) * time.Minute)
			over := at.Add(3 * time.Hour)
			_, err := d.market.PlaceOrder(sandbox.NewOrder{
				ServiceTitle: s.title, Brief: pastBriefs[r.IntN(len(pastBriefs))], Price: price, Status: "completed",
				ClientWallet: regulars[r.IntN(len(regulars))], CreatedAt: at,
				Raw: map[string]any{
					"delivered_at": over, "completed_at": over.Add(time.Hour), "payout_tx_hash": fmt.Sprintf("past%d-%d", day, n),
				},
			})
			if err != nil {
				return fmt.Errorf("place an earlier order: %w", err)
			}
		}
	}
	return nil
}

// pastBriefs are what the clients of earlier orders asked for.
var pastBriefs = []string{
	"An otter that reads the newspaper", "Peonies for the label of a gin", "The skyline of Porto in three colours",
	"A birthday card for a geologist", "Wrapping paper with foxes and ferns", "A moth, drawn as in an old book",
	"The sign of a bakery that opens at five", "Waves for the side of a camper van", "Our dog as an admiral",
}
