package notify

import "golang.org/x/text/language"

// words are the texts of a language. The order of the numbers is that of the English texts.
type words struct {
	language                                string
	changed, unchanged, failed, interrupted string // titles
	partner                                 string // a line
	heads                                   []string
	newlyBlocked, attestations, attention   string
	workbook, attached, more                string
}

func catalogue() []words {
	return []words{
		{
			language:    "en",
			changed:     "%d newly blocked, %d no longer blocked, %d blocked in all",
			unchanged:   "no newly blocked customers, %d blocked in all",
			failed:      "the night FAILED",
			interrupted: "the night was interrupted",
			partner:     "%d blocked (%d newly, %d no longer), %d clear, %d unknown, %d new, %d gone",
			heads: []string{
				"Partner", "Blocked", "Newly blocked", "No longer blocked", "Clear", "Unknown", "New", "Gone",
			},
			newlyBlocked: "Newly blocked",
			attestations: "Attestations: %d imported, %d sent, %d confirmed, %d waiting, %d refused",
			attention:    "Needs attention",
			workbook:     "Workbook",
			attached:     "attached",
			more:         "and %d more",
		},
		{
			language:    "pt-BR",
			changed:     "%d novos bloqueados, %d desbloqueados, %d bloqueados no total",
			unchanged:   "nenhum novo bloqueado, %d bloqueados no total",
			failed:      "a execução noturna FALHOU",
			interrupted: "a execução noturna foi interrompida",
			partner: "%d bloqueados (%d novos, %d desbloqueados), %d liberados, " +
				"%d desconhecidos, %d novos clientes, %d saíram",
			heads: []string{
				"Parceiro", "Bloqueados", "Novos bloqueados", "Desbloqueados", "Liberados", "Desconhecidos", "Novos",
				"Saíram",
			},
			newlyBlocked: "Novos bloqueados",
			attestations: "Atestados: %d importados, %d enviados, %d confirmados, %d aguardando, %d recusados",
			attention:    "Requer atenção",
			workbook:     "Planilha",
			attached:     "em anexo",
			more:         "e mais %d",
		},
		{
			language:    "es",
			changed:     "%d nuevos bloqueados, %d desbloqueados, %d bloqueados en total",
			unchanged:   "ningún nuevo bloqueado, %d bloqueados en total",
			failed:      "la ejecución nocturna FALLÓ",
			interrupted: "la ejecución nocturna se interrumpió",
			partner: "%d bloqueados (%d nuevos, %d desbloqueados), %d habilitados, " +
				"%d desconocidos, %d clientes nuevos, %d se fueron",
			heads: []string{
				"Partner", "Bloqueados", "Nuevos bloqueados", "Desbloqueados", "Habilitados", "Desconocidos", "Nuevos",
				"Se fueron",
			},
			newlyBlocked: "Nuevos bloqueados",
			attestations: "Atestaciones: %d importadas, %d enviadas, %d confirmadas, %d en espera, %d rechazadas",
			attention:    "Requiere atención",
			workbook:     "Libro de Excel",
			attached:     "adjunto",
			more:         "y %d más",
		},
	}
}

// wordsIn returns the texts in the language that fits best, English if none does.
func wordsIn(wanted string) words {
	all := catalogue()
	var tags []language.Tag
	for _, w := range all {
		tags = append(tags, language.Make(w.language))
	}
	_, i := language.MatchStrings(language.NewMatcher(tags), wanted)
	return all[i]
}
