package main

import (
	"bufio"
	"cmp"
	"context"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/mcaledger/mcaledger/internal/config"
)

// answers fills in what no flag gave, by asking a person or by the usual value.
func (a *app) answers(ctx context.Context, questions []*question) error {
	var missing []string
	for _, q := range questions {
		if q.value != "" {
			if err := q.check(); err != nil {
				return usageErrorf("--%s %w", q.flag, err)
			}
		} else if q.ask != "" && q.usual == nil {
			missing = append(missing, "--"+q.flag)
		}
	}
	if len(missing) > 0 && a.mayAsk() {
		return a.askAll(ctx, questions)
	}
	if len(missing) > 0 {
		return usageErrorf("%s must be given where there is no terminal to ask on", strings.Join(missing, ", "))
	}
	for _, q := range questions {
		if q.value == "" && q.usual != nil {
			q.value = q.usual()
		}
	}
	return nil
}

func (q *question) check() error {
	if q.key == "" {
		return nil
	}
	return config.CheckKey(q.key, q.value)
}

// mayAsk reports whether a person sits at the terminal and expects questions.
func (a *app) mayAsk() bool {
	file, ok := a.Stdin.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && !a.json && !a.quiet
}

// askAll asks on stderr for missing values. An empty line takes the usual value.
func (a *app) askAll(ctx context.Context, questions []*question) error {
	lines := make(chan string)
	go func() { // a read of the terminal does not end when the program is interrupted
		defer close(lines)
		for scanner := bufio.NewScanner(a.Stdin); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	for _, q := range questions {
		for q.ask != "" && q.value == "" {
			usual := ""
			if q.usual != nil {
				usual = q.usual()
				a.instruct("%s [%s]: ", a.texts().Format(q.ask), usual)
			} else {
				a.instruct("%s: ", a.texts().Format(q.ask))
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case line, ok := <-lines:
				if !ok {
					return usageErrorf("not all questions were answered; nothing was written")
				}
				q.value = cmp.Or(strings.TrimSpace(line), usual)
			}
			if err := q.check(); err != nil {
				a.instruct("  %s\n", a.texts().Sentence("It "+err.Error()+"."))
				q.value = ""
			}
		}
	}
	return nil
}
