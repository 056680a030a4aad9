package console

import "time"

// This file has the values of the page of an order; the templates are order*.html.

// orderPage is one order, in the order in which a phone shows it.
type orderPage struct {
	ID, Short, Service string
	State              state
	// Due is the deadline while the order is to be delivered. Waits says that it waits for the
	// owner, Late that the deadline is over. Ends is what comes after the delivery.
	Due         time.Time
	Waits, Late bool
	Ends        time.Time
	EndsText    string
	Rounds      string
	Expected    string
	Next        *onward
	Notes       []orderNote
	// Reader is for those who may only look; "" for owners.
	Reader string
	// Bars say what keeps the page from being up to date.
	Bars []note

	Pictures pictures
	Brief    brief
	Checks   checks
	Assist   []assisted
	Decide   *decision
	Sums     []sum
	Facts    []fact
	Thread   thread
	Attempts attempts
	Sent     []deliveryRow
	Timeline timeline
	Zone     string
}

// onward leads to the next order that needs the owner.
type onward struct{ Href, Text string }

// orderNote is a bar above the order: what was done, or why nothing was.
type orderNote struct {
	Kind, Head, Text string // Kind is good, need or bad
	// At is when what was approved goes to the client.
	At             time.Time
	Undo           *act
	Link, LinkText string
}

// pictures are what was made: for the round, or for each piece of a subscription.
type pictures struct {
	Title     string // Pictures, or Files
	Objection *quoted
	Compare   bool // something was made before
	Subjects  []subject
	Earlier   []earlier
	// EarlierText counts what is folded, More what is left out of that.
	EarlierText string
	More        more
	Making      string // what is shown where nothing is made yet
}

// subject is what was made for one thing, next to what was made for it before.
type subject struct {
	Title   string // of a piece; "" for the only one
	State   state
	Open    bool
	Request *quoted // of the client
	Said    *quoted // the owner's instructions
	Pairs   []pair
}

// pair is a picture and the one in its place before. Either may be missing.
type pair struct{ Before, New *shownFile }

// shownFile is a file as the page shows it: a picture, a film, or a tile with a word.
type shownFile struct {
	Kind          string // image, video, or ""
	Src, Full     string // Full is the whole file; "" if it is not kept
	Poster        string
	Alt, Tile     string
	Label, Detail string
	Words         string // type, pixels and size
	Sizes         string // a small and the whole one, by their widths
	Width, Height int
}

// earlier is what was made before the pictures that are compared.
type earlier struct {
	Title   string
	Compare string // an address that compares the new pictures with these
	Said    *quoted
	Files   []shownFile
}

// quoted is a text with who wrote it.
type quoted struct {
	Who  string
	At   time.Time
	Text string // foreign
}

type brief struct {
	Text, English string
	None          string // why there is no text
	Answers       []answered
	References    []shownFile
	Links         []string // that no picture was fetched from
}

// answered is an answer of the client under our question. Both are foreign.
type answered struct{ Question, Answer string }

type checks struct {
	Sum   state
	Lines []state
}

// sum is a line of the order's sums, and fact one about the order.
type sum struct {
	Name, Amount string
	Total        bool
}

type fact struct {
	Name, Value string
	At          time.Time
	Mono        bool
	Href, More  string
}

type thread struct {
	ReadAt time.Time // when it was last read; zero for never, or if that is not known
	Unread string    // what that means, if ReadAt is zero
	Old    string    // why it may lack something
	Ask    *act      // has it read again
	Days   []threadDay
	More   more // older messages
	Reply  *replyForm
	Closed string // why nothing can be written
}

type threadDay struct {
	Name  string
	Lines []threadLine
}

// threadLine is a message, in the thread or on its way there.
type threadLine struct {
	Who           string
	Ours, Pending bool
	At            time.Time
	Fate          string
	Text, None    string // None stands for a text that is not there
}

type attempts struct {
	Sum       string
	Rows      []attempt
	Minor     []attempt // looks and requests that cost nothing
	MinorText string
	More      more
}

type attempt struct {
	Title               string
	At                  time.Time
	Generator           string
	Outcome             state
	Took, Cost          string
	Ticket, ShortTicket string
	Note                string // foreign
	Log                 string // the address of its log
}

// deliveryRow is a delivery of a round.
type deliveryRow struct {
	Title string
	State state
	Text  string
	At    time.Time
	Note  string // foreign
	URLs  []string
}

type timeline struct {
	Days      []timelineDay
	Minor     []moment
	MinorText string
	More      more
	None      string
}

type timelineDay struct {
	Name    string
	Moments []moment
}

// moment is something that happened. Kind is need, bad, good or "".
type moment struct {
	At        time.Time
	Kind      string
	Text, Who string
	Full      bool // with its day
}

// decision are the forms, those for what the order waits for first.
type decision struct {
	Title      string
	Needs      bool
	Reason     string // foreign
	Do         string
	Hint       string
	First      []form
	Others     []form
	OthersOpen bool
	OthersText string
	Bar        []barLink // for a phone: links to the forms, which send nothing
}

type barLink struct {
	Href, Text string
	Main       bool
}

// form is one of them.
type form struct {
	Act    *act
	Redo   *redoForm
	Price  *priceForm
	Assign *assignForm
	Cancel *cancelForm
}

// act is a button with what it does. The other forms have fields besides.
type act struct {
	Name    string // the last part of the address
	Action  string
	Sign    sign
	Button  string
	Busy    string // what the button says once it is pressed
	Kind    string // main, grave, or ""
	Effects []effect
	Off     string // why it cannot be pressed now
	On      string // the key that moves the focus here
}

// effect is a sentence with a number in the middle.
type effect struct{ Text, Strong, Mono, Rest string }

type redoForm struct {
	act
	Label     string
	Piece     int
	Most      int
	Text      string
	CanStart  bool
	FromThese bool
	// Files are those of which some may be wrong; none if there is only one.
	Files []wrongFile
}

// wrongFile is a file that can be named as wrong.
type wrongFile struct {
	N       int
	Name    string // foreign
	Checked bool
}

type priceForm struct {
	act
	Price      string
	Says       string
	FeePercent int
}

type assignForm struct {
	act
	Label   string
	Choices []choice
}

type choice struct {
	ID, Title, Detail string
	Checked           bool
}

type cancelForm struct {
	act
	Reason string
	Open   bool
}

type replyForm struct {
	act
	// Discard drops the assistant's draft, which is the Text; nil without one.
	Discard   *act
	Text      string
	Most      int
	Templates []filler
}

// filler is a text that a press puts into the box. Link opens the page with it there.
type filler struct {
	Reply
	Link string
}
