package cli

// OrdersCmd is the group of commands about orders.
type OrdersCmd struct {
	List     OrdersListCmd     `cmd:"" default:"withargs" help:"List orders, newest first."`
	Show     OrdersShowCmd     `cmd:"" help:"Show everything about one order."`
	Approve  OrdersApproveCmd  `cmd:"" help:"Deliver an order whose files wait for your review."`
	Retry    OrdersRetryCmd    `cmd:"" help:"Resume held, failed or cancelled work on an order."`
	Redo     OrdersRedoCmd     `cmd:"" help:"Make the files of an order again."`
	Resubmit OrdersResubmitCmd `cmd:"" help:"Replace the files of a delivered order."`
	Assign   OrdersAssignCmd   `cmd:"" help:"Name the service that an order is for."`
	Cancel   OrdersCancelCmd   `cmd:"" help:"Stop work on an order."`
}

// Help explains the command.
func (OrdersCmd) Help() string {
	return `Without a subcommand it lists the orders that have not ended. ORDER is the id of
an order, the beginning of the id, or its last characters, 6 at least. If that fits
several orders, the command names them and does nothing.`
}
