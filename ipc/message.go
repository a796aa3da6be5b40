package ipc

import "fmt"

// Message types. See the package comment for who sends which, and when.
const (
	TypeBoot   Type = 1
	TypeReady  Type = 2
	TypeFork   Type = 3
	TypeForked Type = 4
	TypeFailed Type = 5
	TypeExited Type = 6

	TypeHello     Type = 16
	TypeLocked    Type = 17
	TypeWaiting   Type = 18
	TypeLoad      Type = 19
	TypeLoaded    Type = 20
	TypeCall      Type = 21
	TypeResult    Type = 22
	TypeException Type = 23
	TypeAsk       Type = 24
	TypeAnswer    Type = 25
	TypeInvoke    Type = 26
	TypeReturned  Type = 27
	TypeOutput    Type = 28

	TypeOpen     Type = 32
	TypeOpened   Type = 33
	TypeLaunch   Type = 34
	TypeLaunched Type = 35
	TypeRequest  Type = 36
	TypeReply    Type = 37
	TypeFailure  Type = 38
	TypeQuestion Type = 39
	TypeDecision Type = 40
	TypeInquire  Type = 41
	TypeFigures  Type = 42
	TypeCancel   Type = 43
	TypeClose    Type = 44
	TypeAttach   Type = 45
	TypeAttached Type = 46
	TypeHeard    Type = 47

	TypeDelegate  Type = 48
	TypeDelivered Type = 49
)

var typeNames = map[Type]string{
	TypeBoot: "boot", TypeReady: "ready", TypeFork: "fork", TypeForked: "forked", TypeFailed: "failed", TypeExited: "exited",
	TypeHello: "hello", TypeLocked: "locked", TypeWaiting: "waiting", TypeLoad: "load", TypeLoaded: "loaded", TypeCall: "call",
	TypeResult: "result", TypeException: "exception", TypeAsk: "ask", TypeAnswer: "answer", TypeInvoke: "invoke", TypeReturned: "returned", TypeOutput: "output",
	TypeOpen: "open", TypeOpened: "opened", TypeLaunch: "launch", TypeLaunched: "launched", TypeRequest: "request",
	TypeReply: "reply", TypeFailure: "failure", TypeQuestion: "question", TypeDecision: "decision", TypeInquire: "inquire",
	TypeFigures: "figures", TypeCancel: "cancel", TypeClose: "close",
	TypeAttach: "attach", TypeAttached: "attached", TypeHeard: "heard",
	TypeDelegate: "delegate", TypeDelivered: "delivered",
}

func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("type %d", uint16(t))
}

// Message is one of the structures of this package: a closed set.
type Message interface {
	Type() Type
	encode(*encoder)
	decode(*decoder)
}

// Encode gives m as a frame with the sequence number seq.
func Encode(m Message, seq uint32) Frame {
	var e encoder
	m.encode(&e)
	return Frame{Type: m.Type(), Seq: seq, Payload: e.b}
}

// Size is the length in bytes of m's frame, to be compared with MaxFrame
// where a message carries what a user gave.
func Size(m Message) int {
	p := datagrams.Get().(*[]byte)
	defer datagrams.Put(p)
	e := encoder{(*p)[:0]}
	m.encode(&e)
	*p = e.b
	return HeaderSize + len(e.b)
}

// Decode reads f into the message of its type. It returns an error that
// wraps ErrFrame for an unknown type and for any byte that is not as Encode
// would have written it.
func Decode(f Frame) (Message, error) {
	m := newMessage(f.Type)
	if m == nil {
		return nil, fmt.Errorf("%w: unknown message %v", ErrFrame, f.Type)
	}
	d := decoder{b: f.Payload}
	m.decode(&d)
	if err := d.done(); err != nil {
		return nil, fmt.Errorf("%v message: %w", f.Type, err)
	}
	return m, nil
}

func newMessage(t Type) Message {
	switch t {
	case TypeBoot:
		return &Boot{}
	case TypeReady:
		return &Ready{}
	case TypeFork:
		return &Fork{}
	case TypeForked:
		return &Forked{}
	case TypeFailed:
		return &Failed{}
	case TypeExited:
		return &Exited{}
	case TypeHello:
		return &Hello{}
	case TypeLocked:
		return &Locked{}
	case TypeWaiting:
		return &Waiting{}
	case TypeLoad:
		return &Load{}
	case TypeLoaded:
		return &Loaded{}
	case TypeCall:
		return &Call{}
	case TypeResult:
		return &Result{}
	case TypeException:
		return &Exception{}
	case TypeAsk:
		return &Ask{}
	case TypeAnswer:
		return &Answer{}
	case TypeInvoke:
		return &Invoke{}
	case TypeReturned:
		return &Returned{}
	case TypeOutput:
		return &Output{}
	case TypeOpen:
		return &Open{}
	case TypeOpened:
		return &Opened{}
	case TypeLaunch:
		return &Launch{}
	case TypeLaunched:
		return &Launched{}
	case TypeRequest:
		return &Request{}
	case TypeReply:
		return &Reply{}
	case TypeFailure:
		return &Failure{}
	case TypeQuestion:
		return &Question{}
	case TypeDecision:
		return &Decision{}
	case TypeInquire:
		return &Inquire{}
	case TypeFigures:
		return &Figures{}
	case TypeCancel:
		return &Cancel{}
	case TypeClose:
		return &Close{}
	case TypeAttach:
		return &Attach{}
	case TypeAttached:
		return &Attached{}
	case TypeHeard:
		return &Heard{}
	case TypeDelegate:
		return &Delegate{}
	case TypeDelivered:
		return &Delivered{}
	}
	return nil
}
