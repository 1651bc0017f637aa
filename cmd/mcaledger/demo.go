package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/simulator"
)

type demoReply struct {
	head
	Runs []runReply `json:"runs"`
	File string     `json:"file"`
}

func (a *app) demoCommand() *cobra.Command {
	r := &demoReply{head: head{Command: "demo"}, Runs: []runReply{}}
	folder, customers := "demo", 2000
	cmd := a.command("demo", "two nights of a simulated partner, and the workbook of the second", r, func() error {
		return a.demo(r, folder, customers)
	})
	cmd.Flags().StringVar(&folder, "dir", folder, "folder for the demo's configuration, database and workbook")
	cmd.Flags().IntVar(&customers, "customers", customers, "how many customers the partner has")
	return cmd
}

// demo runs the main job end to end against the simulator: last night, and the night before.
func (a *app) demo(r *demoReply, folder string, customers int) error {
	sim, err := simulator.New(simulator.Options{Seed: 7, Customers: customers, AsOf: a.AsOf, RepeatedIDs: 0.005,
		Faults: simulator.Faults{ServerError: 0.002, Reset: 0.001, PageWithStatus200: 0.001}})
	if err != nil {
		return usageError{err}
	}
	s, err := serve(sim, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer s.close()
	if err := writeSimulatedConfig(folder, s.address); err != nil {
		return err
	}
	if err := clearDemo(folder); err != nil {
		return err
	}
	c, err := config.Load(filepath.Join(folder, "mcaledger.yaml"), nil)
	if err != nil {
		return configError{err}
	}
	db, err := a.open(c)
	if err != nil {
		return err
	}
	defer db.Close()

	today := a.AsOf
	unreadable := 0
	for night := 1; night <= 2; night++ {
		if err := sim.SetNight(night); err != nil {
			return err
		}
		a.AsOf = today.Add(time.Duration(night-2) * 24 * time.Hour)
		result, err := a.reconcilePartner(c, c.Partners[0], db)
		if err != nil {
			return fmt.Errorf("night %d: %w", night, err)
		}
		r.Runs = append(r.Runs, replyOf(c.Partners[0].Name, result))
		unreadable = result.Run.Totals.Unreadable
		a.printf("Night %d: %s", night, summary(c.Partners[0].Name, result))
	}
	written, err := a.writeReport(c, c.Partners, db, reporting{format: "xlsx"})
	if err != nil {
		return err
	}
	r.File = written.file
	a.printf("\n%d customers could not be read and are unknown, not clear: see the sheet Unread.\nThe workbook: %s\nLook around: mcaledger --config %s runs\n",
		unreadable, r.File, filepath.Join(folder, "mcaledger.yaml"))
	return nil
}

// clearDemo takes away the database of an earlier demo, and nothing else.
func clearDemo(folder string) error {
	for _, name := range []string{"mcaledger.db", "mcaledger.db-wal", "mcaledger.db-shm"} {
		if err := os.Remove(filepath.Join(folder, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
