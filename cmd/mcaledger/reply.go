package main

import (
	"encoding/json"
	"fmt"
)

// reply is what a command prints with --json: its own fields, and the envelope that all have in
// common.
type reply interface{ finish(exit int, p *problem) }

// envelope holds the fields that every reply begins with.
type envelope struct {
	Command string   `json:"command"`
	Exit    int      `json:"exit"`
	Error   *problem `json:"error"`
}

func (e *envelope) finish(exit int, p *problem) { e.Exit, e.Error = exit, p }

// bare is the reply of a command line that named no command, or of a command with nothing to add.
type bare struct{ envelope }

// problem is an error for machines and for people.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// finish ends an invocation: one exit code, one sentence with what to do next, one JSON object if
// it was asked for.
func (a *app) finish(r reply, err error) {
	a.replied = true
	a.code = exitCode(err)
	p := explain(err)
	r.finish(a.code, p)
	if a.json {
		text, err := json.Marshal(r)
		if err != nil {
			text = fmt.Appendf(nil, `{"command":"","exit":%d,"error":{"code":"failed","message":%q,"hint":""}}`,
				exitFailed, err)
		}
		fmt.Fprintf(a.out, "%s\n", text)
	}
	a.explain(p)
}

// checkOutput makes an error of output that was lost.
func (a *app) checkOutput() {
	if err := a.out.failure(); err != nil {
		a.explain(&problem{Message: fmt.Sprintf("write to stdout: %s", err), Hint: "What the command did is done; " +
			"only its output is lost."})
		a.code = max(a.code, exitFailed)
	}
}

// explain writes an error for people.
func (a *app) explain(p *problem) {
	if p == nil {
		return
	}
	fmt.Fprintf(a.err, "mcaledger: %s\n", a.texts().Sentence(p.Message))
	if p.Hint != "" {
		fmt.Fprintf(a.err, "%s\n", a.texts().Sentence(p.Hint))
	}
}
