package intake

import (
	"strings"
	"unicode"

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
	columns
	unknownColumn column = -1
)

// String is the column's own name, as in our template.
func (c column) String() string {
	return [...]string{"customer_tenant_id", "customer_domain", "first_name", "last_name", "email", "date_agreed", "phone", "company_name",
		"country", "language", "evidence", "note", "PartnerAttestationCompleted"}[c]
}

// synonyms are the words that name a column in the lists that people have, in English and Portuguese, without case,
// accents, spaces, dashes and underscores.
var synonyms = [columns]string{
	tenantID: "customertenantid tenantid tenant customertenant tenantguid customertenantguid directoryid microsofttenantid microsoftid entratenantid " +
		"iddolocatario idlocatario locatario iddotenant idtenant tenantdocliente iddotenantdocliente iddoinquilino idinquilino inquilino iddodiretorio",
	domain: "customerdomain domain domainname primarydomain customerdomainname tenantdomain primarydomainname defaultdomain " +
		"dominio dominiodocliente dominioprincipal dominioprimario nomedodominio dominiodotenant dominiodolocatario",
	firstName: "firstname givenname forename contactfirstname signerfirstname signatoryfirstname " +
		"nome primeironome nomeproprio nomedocontato nomedosignatario nomedoassinante",
	lastName: "lastname surname familyname contactlastname signerlastname signatorylastname " +
		"sobrenome ultimonome apelido nomedefamilia sobrenomedocontato sobrenomedosignatario sobrenomedoassinante",
	email: "email emailaddress mail contactemail signeremail signatoryemail " +
		"enderecodeemail correioeletronico emaildocontato emaildosignatario emaildoassinante",
	dateAgreed: "dateagreed agreeddate agreedon agreementdate dateofagreement acceptancedate dateaccepted accepteddate acceptedon dateofacceptance " +
		"signeddate datesigned signedon signaturedate mcaacceptancedate " +
		"datadoaceite datadeaceite dataaceite datadeaceitacao datadaaceitacao dataaceitacao datadaassinatura datadeassinatura dataassinatura " +
		"datadoacordo datadeacordo datadocontrato",
	phone: "phone phonenumber telephone telephonenumber mobile mobilephone cellphone contactphone signerphone signatoryphone " +
		"telefone celular telemovel fone numerodetelefone telefonedocontato telefonecelular numerodotelefone",
	companyName: "companyname customername customercompanyname organizationname organisationname " +
		"empresa nomedaempresa razaosocial nomedocliente nomedaorganizacao",
	country:  "country countrycode countryregion countryorregion pais paisregiao paisouregiao codigodopais",
	language: "language languagecode languagetag locale idioma lingua codigodoidioma",
	evidence: "evidence evidencereference evidenceref evidencelink evidenceurl evidencia linkdaevidencia comprovante referenciadaevidencia",
	note:     "note notes comment comments remark remarks observacao observacoes obs nota notas comentario comentarios",
	marked:   "partnerattestationcompleted",
}

// weakSynonyms name a column only when nothing better does: a list may have a customer number of its own beside the
// tenant id, and Microsoft's file the date of the last agreement beside the new one.
var weakSynonyms = [columns]string{
	tenantID:    "customerid iddocliente idcliente",
	companyName: "company customer organization organisation cliente organizacao",
	dateAgreed:  "lastagreementdate date data",
	language:    "culture",
}

// vocabulary finds columns by the words of a header.
type vocabulary struct {
	strong, weak map[string]column
}

func newVocabulary() vocabulary {
	v := vocabulary{strong: map[string]column{}, weak: map[string]column{}}
	for c := range columns {
		for word := range strings.FieldsSeq(synonyms[c]) {
			v.strong[word] = c
		}
		for word := range strings.FieldsSeq(weakSynonyms[c]) {
			v.weak[word] = c
		}
	}
	return v
}

// column is the column that a header cell names, and whether it does so for certain.
func (v vocabulary) column(cell string) (c column, strong bool) {
	word := simplified(cell)
	if c, ok := v.strong[word]; ok {
		return c, true
	}
	if c, ok := v.weak[word]; ok {
		return c, false
	}
	return unknownColumn, false
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
	for c := range columns {
		for known := range strings.FieldsSeq(synonyms[c]) {
			if d := distance(word, known); d > 0 && d < least && len(known) > 3 {
				best, least = c, d
			}
		}
	}
	return best
}

// distance is the number of letters to insert, drop or replace to make b out of a (Levenshtein); neighbours that
// changed places count once, as in emial.
func distance(a, b string) int {
	if max(len(a)-len(b), len(b)-len(a)) > 3 {
		return len(a) + len(b)
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row = above, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, above[j]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
