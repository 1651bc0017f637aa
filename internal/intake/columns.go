package intake

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/agext/levenshtein"
	"golang.org/x/text/unicode/norm"
)

// column is a column that we know.
type column int

const (
	tenantID column = iota
	domain
	firstName
	lastName
	email
	dateAgreed
	phone
	companyName
	country
	language
	evidence
	note
	marked // PartnerAttestationCompleted of Microsoft's file
	// Of a list of exceptions.
	partner
	owner
	dueOn
	comment
	acceptedUntil
	columns
	unknownColumn column = -1
)

// String is the column's own name, as in our template.
func (c column) String() string {
	return [...]string{"customer_tenant_id", "customer_domain", "first_name", "last_name", "email", "date_agreed",
		"phone", "company_name",
		"country", "language", "evidence", "note", "PartnerAttestationCompleted",
		"partner", "owner", "due_date", "comment", "accepted_until"}[c]
}

// synonyms are the words that name a column in users' lists, in English and
// Portuguese, without case, accents, spaces, dashes and underscores.
var synonyms = [columns]string{
	tenantID: "customertenantid tenantid tenant customertenant tenantguid customertenantguid directoryid " +
		"microsofttenantid microsoftid entratenantid " +
		"iddolocatario idlocatario locatario iddotenant idtenant tenantdocliente iddotenantdocliente iddoinquilino " +
		"idinquilino iddeinquilino inquilino iddodiretorio",
	domain: "customerdomain domain domainname primarydomain customerdomainname tenantdomain primarydomainname " +
		"defaultdomain " +
		"dominio dominiodocliente dominioprincipal dominioprimario nomedodominio dominiodotenant dominiodolocatario",
	firstName: "firstname givenname forename contactfirstname signerfirstname signatoryfirstname " +
		"nome primeironome nomeproprio nomedocontato nomedosignatario nomedoassinante",
	lastName: "lastname surname familyname contactlastname signerlastname signatorylastname " +
		"sobrenome ultimonome apelido nomedefamilia sobrenomedocontato sobrenomedosignatario sobrenomedoassinante",
	email: "email emailaddress mail contactemail signeremail signatoryemail " +
		"enderecodeemail correioeletronico emaildocontato emaildosignatario emaildoassinante",
	dateAgreed: "dateagreed agreeddate agreedon agreementdate dateofagreement acceptancedate dateaccepted " +
		"accepteddate acceptedon dateofacceptance " +
		"signeddate datesigned signedon signaturedate mcaacceptancedate " +
		"datadoaceite datadeaceite dataaceite datadeaceitacao datadaaceitacao dataaceitacao datadaassinatura " +
		"datadeassinatura dataassinatura " +
		"datadoacordo datadeacordo datadocontrato",
	phone: "phone phonenumber telephone telephonenumber mobile mobilephone cellphone contactphone signerphone " +
		"signatoryphone " +
		"telefone celular telemovel fone numerodetelefone telefonedocontato telefonecelular numerodotelefone",
	companyName: "companyname customername customercompanyname organizationname organisationname " +
		"empresa nomedaempresa razaosocial nomedocliente nomedaorganizacao",
	country:  "country countrycode countryregion countryorregion pais paisregiao paisouregiao codigodopais",
	language: "language languagecode languagetag locale idioma lingua codigodoidioma",
	evidence: "evidence evidencereference evidenceref evidencelink evidenceurl evidencia linkdaevidencia " +
		"comprovante referenciadaevidencia",
	note:   "note notes comment comments remark remarks observacao observacoes obs nota notas comentario comentarios",
	marked: "partnerattestationcompleted",

	partner: "partner partnername partneraccount parceiro nomedoparceiro socio",
	owner: "owner responsible responsibleperson assignee assignedto responsavel proprietario responsable " +
		"propietario encargado",
	dueOn: "duedate dateduedate dueon due deadline prazo datalimite datadevencimento vencimento " +
		"fechalimite fechadevencimiento vencimiento plazo",
	comment: "comment comments note notes remark remarks comentario comentarios observacao observacoes obs nota " +
		"notas observacion observaciones",
	acceptedUntil: "accepteduntil acceptedtill exceptionuntil aceitoate aceitaate excecaoate " +
		"aceptadohasta aceptadahasta excepcionhasta",
}

// vagueSynonyms name a column only when nothing clearer does: a list may have a customer number of
// its own beside the tenant id, and Microsoft's file the date of the last agreement beside the new
// one.
var vagueSynonyms = [columns]string{
	tenantID:    "customerid iddocliente idcliente",
	companyName: "company customer organization organisation accountname account cliente organizacao conta nomedaconta",
	dateAgreed:  "lastagreementdate date data",
	language:    "culture",
}

// isOptional reports whether a file may lack the column. In place of the tenant id it may have the
// domain.
func (c column) isOptional(o Options) bool {
	if o.exceptions {
		return c != tenantID
	}
	switch c {
	case tenantID, firstName, lastName, email:
		return false
	case dateAgreed:
		return o.DateOptional
	case evidence:
		return !o.EvidenceRequired
	}
	return true
}

// fits reports whether a cell looks like what a column holds.
func (c column) fits(cell string) bool {
	switch c {
	case email:
		return hasAddress(cell)
	case tenantID:
		return isGUID(cell)
	}
	_, numeric := numeric(cell)
	_, serial := serialNumber(cell)
	_, named := namedMonth(cell)
	return numeric || serial || named || len(cell) >= 10 && cell[4] == '-'
}

// isVague reports whether a header cell names a column in a word that many columns of a list may
// have.
func isVague(cell string) bool {
	switch simplified(withoutHints(cell)) {
	case "email", "emailaddress", "mail", "enderecodeemail", "correioeletronico",
		"date", "data", "lastagreementdate", "customerid", "iddocliente", "idcliente":
		return true
	}
	return false
}

// acceptanceWords are the roots of words that speak of an acceptance and of who gave it.
var acceptanceWords = []string{"accept", "agree", "sign", "consent", "attest", "confirm", "approv", "complet", "mca",
	"aceit", "assin", "acord", "aprov", "conclu", "contat", "contact", "recipient", "respons"}

// rivals reports whether a header cell may name the column more clearly than a vague name does.
func (c column) rivals(cell string) bool {
	word := simplified(cell)
	has := func(root string) bool { return strings.Contains(word, root) }
	if c == tenantID {
		return slices.ContainsFunc([]string{"tenant", "locatario", "directory", "diretorio", "entra", "azure",
			"microsoft", "aad"}, has)
	}
	return slices.ContainsFunc(acceptanceWords, has) && (c == dateAgreed && !strings.Contains(word, "mail") ||
		mayName(c, cell))
}

// mayNameSome reports whether a header cell contains the words for any required column.
func mayNameSome(cell string) bool {
	if len(cell) > shown || strings.Contains(cell, "@") {
		return false
	}
	return slices.ContainsFunc([]column{tenantID, firstName, lastName, email, dateAgreed},
		func(c column) bool { return mayName(c, cell) })
}

// mayName reports whether a header cell contains the words for a required column.
func mayName(c column, cell string) bool {
	word := simplified(cell)
	var roots []string
	switch c {
	case tenantID:
		roots = []string{"tenant", "locatario", "inquilino"}
	case firstName:
		roots = []string{"firstname", "givenname", "forename", "primeironome"}
	case lastName:
		roots = []string{"lastname", "surname", "familyname", "sobrenome", "ultimonome"}
	case email:
		roots = []string{"mail"}
	case dateAgreed:
		if strings.Contains(word, "mail") || strings.Contains(word, "name") {
			return false
		}
		roots = []string{"date", "accepted", "agreed", "signed", "completed", "datad", "aceite", "assinad"}
	}
	return slices.ContainsFunc(roots, func(root string) bool { return strings.Contains(word, root) })
}

// vocabulary finds columns by the words of a header.
type vocabulary struct {
	columns      []column // that a list of its kind may have
	clear, vague map[string]column
}

// newVocabulary knows the columns of a list of attestations.
func newVocabulary() vocabulary { return vocabularyOf(attestationColumns) }

// attestationColumns are those of a list of attestations.
var attestationColumns = []column{tenantID, domain, firstName, lastName, email, dateAgreed, phone, companyName, country,
	language,
	evidence, note, marked}

func vocabularyOf(columns []column) vocabulary {
	v := vocabulary{columns: columns, clear: map[string]column{}, vague: map[string]column{}}
	for _, c := range columns {
		for word := range strings.FieldsSeq(synonyms[c]) {
			v.clear[word] = c
		}
		for word := range strings.FieldsSeq(vagueSynonyms[c]) {
			v.vague[word] = c
		}
	}
	return v
}

// column is the column that a header cell names, and whether it does so for certain. Hints behind
// the name are left out, such as "(YYYY-MM-DD)", and of two names such as "E-mail / Correio
// eletrônico" both must mean the same.
func (v vocabulary) column(cell string) (c column, clear bool) {
	if len(cell) > 4*shown {
		return unknownColumn, false
	}
	bare := withoutHints(cell)
	for _, name := range []string{cell, bare} {
		if c, clear := v.word(simplified(name)); c != unknownColumn {
			return c, clear
		}
	}
	c = unknownColumn
	bare = strings.NewReplacer(" - ", "|", " – ", "|", " — ", "|").Replace(bare)
	for part := range strings.FieldsFuncSeq(bare, func(r rune) bool { return strings.ContainsRune("/\n\r:|;,", r) }) {
		named, isClear := v.word(simplified(part))
		switch {
		case named == unknownColumn:
		case c != unknownColumn && c != named:
			return unknownColumn, false
		default:
			c, clear = named, clear || isClear
		}
	}
	return c, clear
}

func (v vocabulary) word(word string) (c column, clear bool) {
	if c, ok := v.clear[word]; ok {
		return c, true
	}
	if c, ok := v.vague[word]; ok {
		return c, false
	}
	return unknownColumn, false
}

// formatHint is how a header shows the form of a date, such as YYYY-MM-DD or dd/mm/aaaa.
var formatHint = regexp.MustCompile(`(?i)\b[dmya]{1,4}[-/.][dmya]{1,4}[-/.][dmya]{1,4}\b`)

// withoutHints is a header cell without what stands in brackets, and without the form of a date.
func withoutHints(cell string) string {
	cell = formatHint.ReplaceAllString(cell, "")
	var b strings.Builder
	depth := 0
	for _, r := range cell {
		switch r {
		case '(', '[', '{', '<', '（':
			depth++
		case ')', ']', '}', '>', '）':
			depth = max(0, depth-1)
		default:
			if depth == 0 {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// simplified is a header cell without case, accents and anything but letters and digits.
func simplified(cell string) string {
	if len(cell) > 4*shown {
		return ""
	}
	var b strings.Builder
	for _, r := range norm.NFD.String(cell) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// like is the column that a misspelt header cell most likely stands for.
func (v vocabulary) like(cell string) column {
	word := simplified(cell)
	best, least := unknownColumn, len(word)/4+1
	for _, c := range v.columns {
		for known := range strings.FieldsSeq(synonyms[c]) {
			if d := misspellings(word, known); d > 0 && d < least && len(known) > 3 {
				best, least = c, d
			}
		}
	}
	return best
}

// misspellings is the number of letters to insert, drop or replace; letters that changed places, as
// in emial, count once.
func misspellings(word, known string) int {
	d := levenshtein.Distance(word, known, nil)
	if d == 2 && slices.Equal(slices.Sorted(strings.SplitSeq(word, "")), slices.Sorted(strings.SplitSeq(known, ""))) {
		return 1
	}
	return d
}
