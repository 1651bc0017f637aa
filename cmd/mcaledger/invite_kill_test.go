package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/store"
)

// Invitations that are killed again and again, before, while and after the mail server takes a
// message: nobody gets two mails, and whoever may have got none is named.
func TestInvitationsKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	const kills = 30
	for name, address := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKillableWith(t, address, simulator.Options{Seed: 23, Customers: 500, Mix: simulator.MixAllKinds})
			post := startPost(t, func() { k.process.Load().Kill() })
			k.sendBy(t, post)
			require.NoError(t, k.reconcile(t))

			dice := rand.New(rand.NewPCG(23, 23))
			killed := 0
			for range kills {
				post.killAt.Store(post.steps.Load() + 1 + dice.Int64N(25))
				if err := k.run(t, "invite", "--blocked", "--by", "ana"); err == nil {
					break
				}
				require.True(t, k.signalled)
				killed++
			}
			post.killAt.Store(0)
			require.NoError(t, k.run(t, "invite", "--blocked", "--by", "ana"))
			sent := len(post.messages())
			require.NoError(t, k.run(t, "invite", "--blocked", "--by", "ana"))
			require.Len(t, post.messages(), sent, "everybody was invited, or may have been")
			require.NoError(t, k.run(t, "verify"))
			k.invitedOnce(t, post.messages(), killed)
		})
	}
}

// sendBy configures the mail server.
func (k *killable) sendBy(t *testing.T, p *post) {
	t.Helper()
	path := filepath.Join(k.folder, "mcaledger.yaml")
	config, err := os.ReadFile(path)
	require.NoError(t, err)
	mail := fmt.Sprintf("mail: { delivery: smtp, host: 127.0.0.1, tls: none, port: %d, ",
		p.listener.Addr().(*net.TCPAddr).Port)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(config), "mail: { ", mail, 1)), 0o600))
}

// invitedOnce compares the messages that arrived with what the ledger says of each customer.
func (k *killable) invitedOnce(t *testing.T, messages []string, killed int) {
	t.Helper()
	s, err := store.Open(t.Context(), addressIn(k.folder, k.address))
	require.NoError(t, err)
	defer s.Close()
	arrived := map[string]int{}
	for _, m := range messages {
		_, id, _ := strings.Cut(m, "Message-ID: <")
		id, _, _ = strings.Cut(id, "@")
		arrived[id]++
		require.Equal(t, 1, arrived[id], "a message arrived twice")
	}
	invited, unknown := map[string]bool{}, 0
	for e, err := range s.Invitations(t.Context(), "11111111-1111-4111-8111-111111111111", 1,
		time.Now().Add(time.Hour)) {
		require.NoError(t, err)
		require.False(t, invited[e.CustomerID], "a customer was invited twice")
		invited[e.CustomerID] = true
		switch e.Outcome {
		case ledger.InvitationDelivered:
			require.Equal(t, 1, arrived[fmt.Sprint("invitation-", e.ID)], "delivered, and did not arrive")
		case ledger.InvitationBegun:
			unknown++
		}
	}
	require.LessOrEqual(t, unknown, killed)
	require.GreaterOrEqual(t, len(messages), len(invited)-unknown)
	t.Logf("killed %d times: %d customers, %d mails, %d with an unknown outcome", killed, len(invited), len(messages),
		unknown)
}

// post is a mail server on loopback that kills its client after a number of steps.
type post struct {
	listener      net.Listener
	steps, killAt atomic.Int64
	kill          func()

	mu       sync.Mutex
	received []string
}

func startPost(t *testing.T, kill func()) *post {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &post{listener: listener, kill: kill}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(running.Wait)
	t.Cleanup(func() { listener.Close() })
	return p
}

// step counts what the client does, and kills it when it is its turn.
func (p *post) step() {
	if p.steps.Add(1) == p.killAt.Load() {
		p.kill()
	}
}

func (p *post) serve(conn net.Conn) {
	defer conn.Close()
	text := textproto.NewReader(bufio.NewReader(conn))
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	say("220 test ESMTP")
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		p.step()
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); verb {
		case "DATA":
			say("354 go on")
			message, err := text.ReadDotBytes()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.received = append(p.received, string(message))
			p.mu.Unlock()
			p.step() // the message is here, and its sender does not know
			say("250 taken")
			p.step()
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 test")
		}
	}
}

func (p *post) messages() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.received...)
}
