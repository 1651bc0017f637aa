package xlsxtest

import (
	"regexp"
	"strings"
)

// The content models and attributes of ECMA-376 (5th edition, transitional) for the elements that
// this program writes, put down here from the text of the standard: the published schema files are
// not ours to copy. An element that is not listed is a violation.
//
// A line is an element: its name (or parent/name where the same name means several things), the
// pattern of its children after ":" and its attributes after "@". A pattern is a regular expression
// over names. An attribute is name=type, with "!" when it is required.
const spreadsheetML = `
worksheet: sheetPr? dimension? sheetViews? sheetFormatPr? cols* sheetData sheetProtection? autoFilter? mergeCells? conditionalFormatting* dataValidations? hyperlinks? printOptions? pageMargins? pageSetup? headerFooter? rowBreaks? colBreaks? ignoredErrors? drawing? legacyDrawing? tableParts? extLst? @
sheetPr: tabColor? outlinePr? pageSetUpPr? @ codeName=string filterMode=bool
pageSetUpPr: @ autoPageBreaks=bool fitToPage=bool
tabColor: @ rgb=rgb theme=uint
dimension: @ ref=ref!
sheetViews: sheetView+ extLst? @
sheetView: pane? selection{0,4} extLst? @ showGridLines=bool tabSelected=bool workbookViewId=uint! zoomScale=uint zoomScaleNormal=uint topLeftCell=cell rightToLeft=bool view=(normal|pageBreakPreview|pageLayout) defaultGridColor=bool showFormulas=bool showRowColHeaders=bool showRuler=bool showWhiteSpace=bool showZeros=bool windowProtection=bool
pane: @ xSplit=double ySplit=double topLeftCell=cell activePane=(bottomRight|topRight|bottomLeft|topLeft) state=(split|frozen|frozenSplit)
selection: @ pane=(bottomRight|topRight|bottomLeft|topLeft) activeCell=cell activeCellId=uint sqref=sqref
sheetFormatPr: @ baseColWidth=uint defaultColWidth=double defaultRowHeight=double! customHeight=bool zeroHeight=bool thickTop=bool thickBottom=bool outlineLevelRow=uint outlineLevelCol=uint
cols: col+ @
col: @ min=uint! max=uint! width=double style=uint hidden=bool bestFit=bool customWidth=bool phonetic=bool outlineLevel=uint collapsed=bool
sheetData: row* @
row: c* extLst? @ r=uint spans=string s=uint customFormat=bool ht=double hidden=bool customHeight=bool outlineLevel=uint collapsed=bool thickTop=bool thickBot=bool ph=bool
c: f? v? is? extLst? @ r=cell s=uint t=(b|d|n|e|s|str|inlineStr) cm=uint vm=uint ph=bool
f: text @ t=string ref=ref si=uint
v: text @ space=(preserve|default)
is: (t?|r+) @
si: t? r* @
r: rPr? t @
t: text @ space=(preserve|default)
sheetProtection: @ sheet=bool password=string
autoFilter: filterColumn* sortState? extLst? @ ref=ref
mergeCells: mergeCell+ @ count=uint
mergeCell: @ ref=ref!
conditionalFormatting: cfRule+ extLst? @ pivot=bool sqref=sqref
cfRule: formula{0,3} colorScale? dataBar? iconSet? extLst? @ type=(cellIs|dataBar|expression|containsText|beginsWith|top10) dxfId=uint priority=int! stopIfTrue=bool operator=(lessThan|lessThanOrEqual|equal|notEqual|greaterThanOrEqual|greaterThan|between|notBetween|containsText) text=string
formula: text @
dataBar: cfvo{2} color @ minLength=uint maxLength=uint showValue=bool
cfvo: extLst? @ type=(num|percent|max|min|formula|percentile)! val=string gte=bool
color: @ auto=bool indexed=uint rgb=rgb theme=uint tint=double
dataValidations: dataValidation+ @ count=uint disablePrompts=bool
dataValidation: formula1? formula2? @ type=(none|whole|decimal|list|date|time|textLength|custom) errorStyle=(stop|warning|information) operator=(between|notBetween|equal|notEqual|lessThan|lessThanOrEqual|greaterThan|greaterThanOrEqual) allowBlank=bool showDropDown=bool showInputMessage=bool showErrorMessage=bool errorTitle=string error=string promptTitle=string prompt=string sqref=sqref!
formula1: text @
formula2: text @
hyperlinks: hyperlink+ @
hyperlink: @ ref=ref! id=string location=string tooltip=string display=string
pageMargins: @ left=double! right=double! top=double! bottom=double! header=double! footer=double!
pageSetup: @ paperSize=uint scale=uint firstPageNumber=uint fitToWidth=uint fitToHeight=uint pageOrder=(downThenOver|overThenDown) orientation=(default|portrait|landscape) usePrinterDefaults=bool blackAndWhite=bool draft=bool useFirstPageNumber=bool horizontalDpi=uint verticalDpi=uint copies=uint id=string
headerFooter: oddHeader? oddFooter? evenHeader? evenFooter? firstHeader? firstFooter? @ differentOddEven=bool differentFirst=bool scaleWithDoc=bool alignWithMargins=bool
oddHeader: text @
oddFooter: text @
rowBreaks: brk* @ count=uint manualBreakCount=uint
colBreaks: brk* @ count=uint manualBreakCount=uint
brk: @ id=uint min=uint max=uint man=bool pt=bool
ignoredErrors: ignoredError+ @
ignoredError: @ sqref=sqref! numberStoredAsText=bool
drawing: @ id=string!
tableParts: tablePart* @ count=uint
tablePart: @ id=string!
extLst: ext* @
ext: any @ uri=string
workbook: fileVersion? fileSharing? workbookPr? workbookProtection? bookViews? sheets definedNames? calcPr? extLst? @
fileVersion: @ appName=string lastEdited=string lowestEdited=string rupBuild=string codeName=string
workbookPr: @ date1904=bool filterPrivacy=bool defaultThemeVersion=uint codeName=string showObjects=(all|placeholders|none) backupFile=bool
bookViews: workbookView+ @
workbookView: extLst? @ visibility=(visible|hidden|veryHidden) minimized=bool showHorizontalScroll=bool showVerticalScroll=bool showSheetTabs=bool xWindow=int yWindow=int windowWidth=uint windowHeight=uint tabRatio=uint firstSheet=uint activeTab=uint autoFilterDateGrouping=bool
sheets: sheet+ @
sheet: @ name=string! sheetId=uint! state=(visible|hidden|veryHidden) id=string!
definedNames: definedName* @
definedName: text @ name=string! localSheetId=uint comment=string hidden=bool
calcPr: @ calcId=uint fullCalcOnLoad=bool
styleSheet: numFmts? fonts? fills? borders? cellStyleXfs? cellXfs? cellStyles? dxfs? tableStyles? colors? extLst? @
numFmts: numFmt+ @ count=uint
numFmt: @ numFmtId=uint! formatCode=string!
fonts: font+ @ count=uint
font: (b|i|strike|condense|extend|outline|shadow|u|vertAlign|sz|color|name|family|charset|scheme)* @
b: @ val=bool
i: @ val=bool
u: @ val=(single|double|none)
strike: @ val=bool
vertAlign: @ val=(superscript|subscript|baseline)
sz: @ val=double!
name: @ val=string!
family: @ val=uint!
charset: @ val=int
scheme: @ val=(none|major|minor)!
fills: fill+ @ count=uint
fill: (patternFill|gradientFill)? @
patternFill: fgColor? bgColor? @ patternType=string
fgColor: @ auto=bool indexed=uint rgb=rgb theme=uint tint=double
bgColor: @ auto=bool indexed=uint rgb=rgb theme=uint tint=double
borders: border+ @ count=uint
border: start? end? left? right? top? bottom? diagonal? vertical? horizontal? @ diagonalUp=bool diagonalDown=bool outline=bool
left: color? @ style=string
right: color? @ style=string
top: color? @ style=string
bottom: color? @ style=string
diagonal: color? @ style=string
cellStyleXfs: xf+ @ count=uint
cellXfs: xf+ @ count=uint
xf: alignment? protection? extLst? @ numFmtId=uint fontId=uint fillId=uint borderId=uint xfId=uint quotePrefix=bool pivotButton=bool applyNumberFormat=bool applyFont=bool applyFill=bool applyBorder=bool applyAlignment=bool applyProtection=bool
alignment: @ horizontal=(general|left|center|right|fill|justify|centerContinuous|distributed) vertical=(top|center|bottom|justify|distributed) textRotation=uint wrapText=bool indent=uint relativeIndent=int justifyLastLine=bool shrinkToFit=bool readingOrder=uint
protection: @ locked=bool hidden=bool
cellStyles: cellStyle+ @ count=uint
cellStyle: extLst? @ name=string xfId=uint! builtinId=uint iLevel=uint hidden=bool customBuiltin=bool
dxfs: dxf* @ count=uint
dxf: font? numFmt? fill? alignment? border? protection? extLst? @
tableStyles: tableStyle* @ count=uint defaultTableStyle=string defaultPivotStyle=string
sst: si* extLst? @ count=uint uniqueCount=uint
table: autoFilter? sortState? tableColumns tableStyleInfo? extLst? @ id=uint! name=string displayName=string! ref=ref! headerRowCount=uint totalsRowCount=uint totalsRowShown=bool insertRow=bool
tableColumns: tableColumn+ @ count=uint
tableColumn: extLst? @ id=uint! name=string! dataDxfId=uint
tableStyleInfo: @ name=string showFirstColumn=bool showLastColumn=bool showRowStripes=bool showColumnStripes=bool
`

const drawingML = `
wsDr: (twoCellAnchor|oneCellAnchor|absoluteAnchor)* @
twoCellAnchor: from to (sp|grpSp|graphicFrame|cxnSp|pic) clientData @ editAs=(twoCell|oneCell|absolute)
from: col colOff row rowOff @
to: col colOff row rowOff @
col: text @
colOff: text @
row: text @
rowOff: text @
graphicFrame: nvGraphicFramePr xfrm graphic @ macro=string fPublished=bool
nvGraphicFramePr: cNvPr cNvGraphicFramePr @
cNvPr: hlinkClick? extLst? @ id=uint! name=string! descr=string hidden=bool title=string
cNvGraphicFramePr: graphicFrameLocks? extLst? @
xfrm: off? ext? @
off: @ x=int! y=int!
ext: @ cx=uint! cy=uint!
graphic: graphicData @
graphicData: any @ uri=string!
clientData: @ fLocksWithSheet=bool fPrintsWithSheet=bool
chartSpace: date1904? lang? roundedCorners? style? chart spPr? txPr? printSettings? extLst? @
date1904: @ val=bool
lang: @ val=string!
roundedCorners: @ val=bool
chart: title? autoTitleDeleted? plotArea legend? plotVisOnly? dispBlanksAs? extLst? @
title: tx? layout? overlay? spPr? txPr? extLst? @
title/tx: rich @
ser/tx: (strRef|v) @
rich: bodyPr lstStyle? p+ @
bodyPr: @ rot=int
p: pPr? (r|br|fld)* endParaRPr? @
pPr: defRPr? @
r: rPr? t @
t: text @
rPr: ln? (noFill|solidFill)? latin? ea? cs? @ sz=int b=bool i=bool lang=string
defRPr: ln? (noFill|solidFill)? latin? ea? cs? @ sz=int b=bool i=bool lang=string
endParaRPr: ln? (noFill|solidFill)? latin? @ lang=string sz=int
latin: @ typeface=string!
solidFill: (srgbClr|schemeClr) @
srgbClr: @ val=hex!
noFill: @
prstDash: @ val=(solid|dot|dash|lgDash|dashDot|lgDashDot|lgDashDotDot|sysDash|sysDot|sysDashDot|sysDashDotDot)!
ln: (noFill|solidFill)? prstDash? @ w=uint
spPr: (noFill|solidFill)? ln? @
txPr: bodyPr lstStyle? p+ @
overlay: @ val=bool
autoTitleDeleted: @ val=bool
plotArea: layout? (barChart|lineChart)+ (valAx|catAx|dateAx)* dTable? spPr? extLst? @
layout: @
barChart: barDir grouping? varyColors? ser* dLbls? gapWidth? overlap? serLines* axId{2} extLst? @
lineChart: grouping varyColors? ser* dLbls? dropLines? hiLowLines? upDownBars? marker? smooth? axId{2} extLst? @
barDir: @ val=(bar|col)
grouping: @ val=(percentStacked|clustered|standard|stacked)
varyColors: @ val=bool
barChart/ser: idx order tx? spPr? invertIfNegative? pictureOptions? dPt* dLbls? trendline* errBars? cat? val? shape? extLst? @
lineChart/ser: idx order tx? spPr? marker? dPt* dLbls? trendline* errBars? cat? val? smooth? extLst? @
idx: @ val=uint!
order: @ val=uint!
invertIfNegative: @ val=bool
ser/marker: symbol? size? spPr? @
lineChart/marker: @ val=bool
symbol: @ val=(circle|dash|diamond|dot|none|plus|square|star|triangle|x|auto)!
size: @ val=uint
dLbls: numFmt? spPr? txPr? dLblPos? showLegendKey? showVal? showCatName? showSerName? showPercent? showBubbleSize? separator? showLeaderLines? extLst? @
numFmt: @ formatCode=string! sourceLinked=bool
showLegendKey: @ val=bool
showVal: @ val=bool
showCatName: @ val=bool
showSerName: @ val=bool
showPercent: @ val=bool
showBubbleSize: @ val=bool
cat: (numRef|strRef) @
val: numRef @
strRef: f strCache? @
numRef: f numCache? @
f: text @
strCache: ptCount? pt* @
numCache: formatCode? ptCount? pt* @
formatCode: text @
ptCount: @ val=uint!
pt: v @ idx=uint! formatCode=string
v: text @
smooth: @ val=bool
gapWidth: @ val=uint
overlap: @ val=int
axId: @ val=uint!
catAx: axId scaling delete? axPos majorGridlines? minorGridlines? title? numFmt? majorTickMark? minorTickMark? tickLblPos? spPr? txPr? crossAx (crosses|crossesAt)? auto? lblAlgn? lblOffset? tickLblSkip? noMultiLvlLbl? extLst? @
dateAx: axId scaling delete? axPos majorGridlines? minorGridlines? title? numFmt? majorTickMark? minorTickMark? tickLblPos? spPr? txPr? crossAx (crosses|crossesAt)? auto? lblOffset? baseTimeUnit? majorUnit? majorTimeUnit? extLst? @
valAx: axId scaling delete? axPos majorGridlines? minorGridlines? title? numFmt? majorTickMark? minorTickMark? tickLblPos? spPr? txPr? crossAx (crosses|crossesAt)? crossBetween? majorUnit? minorUnit? extLst? @
scaling: logBase? orientation? max? min? @
orientation: @ val=(minMax|maxMin)
min: @ val=double!
max: @ val=double!
delete: @ val=bool
axPos: @ val=(b|l|r|t)!
majorGridlines: spPr? @
majorTickMark: @ val=(cross|in|none|out)
minorTickMark: @ val=(cross|in|none|out)
tickLblPos: @ val=(high|low|nextTo|none)
crossAx: @ val=uint!
crosses: @ val=(autoZero|max|min)!
auto: @ val=bool
lblAlgn: @ val=(ctr|l|r)
lblOffset: @ val=uint
noMultiLvlLbl: @ val=bool
baseTimeUnit: @ val=(days|months|years)
majorUnit: @ val=double!
majorTimeUnit: @ val=(days|months|years)
crossBetween: @ val=(between|midCat)
legend: legendPos? legendEntry* layout? overlay? spPr? txPr? extLst? @
legendPos: @ val=(b|tr|l|r|t)
plotVisOnly: @ val=bool
dispBlanksAs: @ val=(span|gap|zero)
`

const packaging = `
Types: (Default|Override)* @
Default: @ Extension=string! ContentType=string!
Override: @ PartName=string! ContentType=string!
Relationships: Relationship* @
Relationship: @ Id=string! Type=string! Target=string! TargetMode=(External|Internal)
coreProperties: (category|contentStatus|created|creator|description|identifier|keywords|language|lastModifiedBy|lastPrinted|modified|revision|subject|title|version)* @
created: text @ type=string
modified: text @ type=string
title: text @
subject: text @
creator: text @
description: text @
lastModifiedBy: text @
language: text @
`

const appProperties = `
Properties: (Template|Manager|Company|Pages|Application|DocSecurity|AppVersion)* @
Application: text @
AppVersion: text @
DocSecurity: text @
`

const customProperties = `
Properties: property* @
property: lpwstr @ fmtid=guid! pid=uint! name=string
lpwstr: text @
`

// element is what the standard says of an element.
type element struct {
	children   *regexp.Regexp // of names, each with a comma behind it; nil: anything
	text       bool
	attributes map[string]attribute
}

type attribute struct {
	value    *regexp.Regexp
	required bool
}

var simpleTypes = map[string]string{
	"string": `(?s).*`, "uint": `\d{1,10}`, "int": `-?\d{1,19}`, "double": `-?\d+(\.\d+)?([eE][-+]?\d+)?`,
	"bool": `0|1|true|false`, "rgb": `[0-9A-Fa-f]{8}`, "hex": `[0-9A-Fa-f]{6}`, "cell": `[A-Z]{1,3}[1-9]\d{0,6}`,
	"ref":   `[A-Z]{1,3}[1-9]\d{0,6}(:[A-Z]{1,3}[1-9]\d{0,6})?`,
	"sqref": `[A-Z]{1,3}[1-9]\d{0,6}(:[A-Z]{1,3}[1-9]\d{0,6})?( [A-Z]{1,3}[1-9]\d{0,6}(:[A-Z]{1,3}[1-9]\d{0,6})?)*`,
	"guid":  `\{[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}\}`,
}

var childName = regexp.MustCompile(`[A-Za-z][A-Za-z0-9]*`)

// parseGrammar reads a grammar as it is written above.
func parseGrammar(text string) map[string]element {
	elements := map[string]element{}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		name, rest, _ := strings.Cut(line, ":")
		model, attributes, _ := strings.Cut(rest, "@")
		e := element{attributes: map[string]attribute{}}
		switch model = strings.TrimSpace(model); model {
		case "any":
		case "text":
			e.text = true
			e.children = regexp.MustCompile(`^$`)
		default:
			pattern := childName.ReplaceAllString(model, "(?:$0,)")
			e.children = regexp.MustCompile("^" + strings.ReplaceAll(pattern, " ", "") + "$")
		}
		for field := range strings.FieldsSeq(attributes) {
			key, kind, _ := strings.Cut(field, "=")
			kind, required := strings.CutSuffix(kind, "!")
			pattern, ok := simpleTypes[kind]
			if !ok {
				pattern = kind // an enumeration
			}
			e.attributes[key] = attribute{regexp.MustCompile("^(?:" + pattern + ")$"), required}
		}
		elements[name] = e
	}
	return elements
}
