package console

import "atelierd/internal/order"

// advice says in words what an owner can do about an order that is held, or has failed, for
// a code, with the forms that stand below it. What is done on the server stays a command.
var advice = map[order.Code]string{
	order.CodeReview:           "",
	order.CodeDryRun:           "The service is in mode dry-run, so nothing was sent. Send it now, or set another mode for the service on the server.",
	order.CodeQuoteNeeded:      "The client asks what it costs. Name a price, or cancel our work.",
	order.CodeQuoteBounds:      "The price that was found is outside of what the service allows. Name one yourself.",
	order.CodeProposalBounds:   "The assistant's price is outside of what the service allows. Name one yourself, or retry, which asks it again and is paid for.",
	order.CodeQuoteDeclined:    "Your pricing program or the assistant names no price. Name one yourself, or retry.",
	order.CodeNoPrice:          "There is no price to ask for. Name one.",
	order.CodeQuoteNotShown:    "A price was sent, and the marketplace still waits for one. Look at the order there, or name another price.",
	order.CodeNoService:        "It is for no service that you sell now. Say which one makes it, or add the service on the server.",
	order.CodeClientBlocked:    "You have blocked this client. Work on this order all the same, or cancel our work.",
	order.CodeClientOpen:       "It begins by itself after one of the client's other orders. You can begin it now.",
	order.CodeClientRounds:     "The client has had as many rounds as you allow. Work on it once more, or settle it in the thread.",
	order.CodeClientCost:       "The client's orders would cost more than you allow in 30 days. Work on this one all the same, or wait.",
	order.CodeRoundCap:         "The client has sent it back more often than you allow. Have it made once more, or settle it in the thread.",
	order.CodeOwner:            "At the marketplace the order is still open. You can take the work up again.",
	order.CodeSubscription:     "It is a paid window, and its service makes no pieces. Answer the client in the thread, or let the service make pieces on the server.",
	order.CodeNoFeedback:       "The client has not said what is wrong. Ask in the thread: work resumes with the answer. Or have it made again without one.",
	order.CodeNoPrompt:         "The order does not say what to make. Ask in the thread, then retry; or set a prompt for the service on the server.",
	order.CodeRefused:          "The generator refuses to make this. Have it made with other instructions, or cancel our work.",
	order.CodeUnknownCall:      "A call may have been paid for. Look at your account at the provider first: a retry makes another call, which is paid for.",
	order.CodeKeyReused:        "An earlier call may have been paid for. Look at your account at the provider first: a retry makes another call, which is paid for.",
	order.CodeBadAnswer:        "The provider's answer was of no use. Look at your account there first: a retry makes another call, which is paid for.",
	order.CodeOverdue:          "The provider has had the job for a day. A retry asks for the result again and costs nothing; a redo makes a new call, which is paid for.",
	order.CodeExpired:          "The provider does not have the result any more. A retry asks again and costs nothing; a redo makes a new call, which is paid for.",
	order.CodeNotVisible:       "The provider shows no result. A retry asks again and costs nothing; a redo makes a new call, which is paid for.",
	order.CodeAttemptCap:       "Another call would pass your cap for an attempt. Raise it on the server, and work resumes by itself.",
	order.CodeOrderCap:         "Another call would pass your cap for an order. Raise it on the server, and work resumes by itself.",
	order.CodeDayCap:           "Another call would pass your cap for the day. Work resumes by itself at midnight UTC.",
	order.CodeTooLarge:         "The file is too large for the marketplace. Have a smaller one made.",
	order.CodeFileGone:         "A file that was made is gone, or has changed. Put it back and retry, or have it made again.",
	order.CodeNotUploaded:      "A file was never uploaded. Have it made again.",
	order.CodeNoFiles:          "There are no files to deliver. Have them made.",
	order.CodeSecret:           "What was made, or a message, contains a secret of yours, so nothing was sent. Find out how it got there; then have it made again.",
	order.CodeNeverArrived:     "It was sent several times and never arrived. Retry once the marketplace works again.",
	order.CodeUnclear:          "The marketplace does not show whether the delivery arrived. Look at the order there, then retry or cancel our work.",
	order.CodeNotShown:         "It was delivered, and the marketplace does not show it. Look at the order there. A retry looks again.",
	order.CodeRestored:         "What was spent before the data folder was restored is unknown. Look at your account at the provider, then retry.",
	order.CodeUncompared:       "The marketplace cannot show what was done since the data folder was restored. Look at the order there, then retry.",
	order.CodeVanished:         "The marketplace no longer lists the order. Work resumes by itself if it comes back.",
	order.CodeThreadTooLarge:   "The thread is too long to read here. Read it at the marketplace; a retry works without it.",
	order.CodeOrderTooLarge:    "The order is too large to read here. Settle it at the marketplace, or cancel our work.",
	order.CodeTryLater:         "Your program asked to wait until the order was due. A retry runs it again.",
	order.CodeVetoed:           "Your check refuses what was made. Have it made with other instructions, or change the check on the server and retry.",
	order.CodeBadFile:          "What was made is damaged, or not as the service requires. Have it made again, or change the service on the server.",
	order.CodeNoOutput:         "The generator made no file. Have it made with other instructions, or retry.",
	order.CodeRowDamaged:       "A row of the database cannot be read. Check the disk on the server, then retry or cancel our work.",
	order.CodeCrashes:          "The daemon ended several times while it worked on this. Read its log on the server, then retry.",
	order.CodePanic:            "The work met a bug of atelierd. Report it with the log, then retry.",
	order.CodeNoCredit:         "Your account at the provider is empty. Put money into it, then retry.",
	order.CodeNotFound:         "The marketplace does not know what was asked for. Look at the order there, then retry.",
	order.CodeRejected:         "The marketplace refuses the request, and says why above. Fix its cause, then retry.",
	order.CodeProviderRejected: "The provider does not take the request, and says why above. Correct the generator on the server, then retry.",
	order.CodeReference:        "A picture of the client cannot be read or sent. Ask for another in the thread, or retry.",
}

// The codes by the form that stands first.
var (
	priced = map[order.Code]bool{
		order.CodeQuoteNeeded: true, order.CodeQuoteBounds: true, order.CodeProposalBounds: true, order.CodeQuoteDeclined: true,
		order.CodeNoPrice: true, order.CodeQuoteNotShown: true,
	}
	remade = map[order.Code]bool{
		order.CodeTooLarge: true, order.CodeFileGone: true, order.CodeNotUploaded: true, order.CodeNoFiles: true, order.CodeSecret: true,
		order.CodeRefused: true, order.CodeVetoed: true, order.CodeBadFile: true, order.CodeNoOutput: true, order.CodeRoundCap: true,
		order.CodeExpired: true, order.CodeNotVisible: true, order.CodeOverdue: true,
	}
)
