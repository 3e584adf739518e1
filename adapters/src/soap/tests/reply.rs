//! What the text of a reply means.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{DECLARATION, envelope, malformed, misconfigured};
use crate::declaration::{Ask, DepartmentDeclaration};
use crate::soap::SoapAsk;
use crate::soap::reply::Answer;
use crate::{AdapterError, mapping, read_declaration};

const NEITHER: &str = "the reply says neither success nor that there is no record";

/// How many records a reply has.
fn count(conditions: &str, reply: &str) -> Result<usize, AdapterError> {
    answer(conditions, reply).map(|answer| answer.records.len())
}

/// What a reply says, with other conditions in the declaration.
fn answer(conditions: &str, reply: &str) -> Result<Answer, AdapterError> {
    let success = "success = { path = \"//m:ResultCode\", equals = [\"0000\"] }\n";
    let no_record = "no_record = { path = \"//m:ResultCode\", equals = [\"0002\"] }\n";
    // The examples show other replies; they would be wrong here.
    let (lookup, rest) = DECLARATION.split_once("[[result_type.example]]").unwrap();
    let (_, endless) = rest.split_once("[[result_type]]").unwrap();
    let declared = match conditions {
        "" => lookup.to_owned(),
        _ => lookup.replace(success, conditions).replace(no_record, ""),
    };
    let example = "[[result_type.example]]\nname = \"x\"\nreply = \"\"\nexpect = { error = \"malformed\" }\n\
                   subject = { kind = \"credit_code\", number = \"91500000MA0000015Q\" }\n";
    let text = format!("{declared}{example}[[result_type]]{endless}");
    let declaration = read_declaration("soap.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    ask_of(&declaration).answer(reply)
}

fn ask_of(declaration: &DepartmentDeclaration) -> &SoapAsk {
    let Ask::Soap(ask) = &declaration.result_types[0].ask else { panic!("it is called by SOAP") };
    ask
}

fn told(body: &str) -> Result<usize, AdapterError> {
    count("", &envelope(body))
}

/// Failure is a "no" that the reply does not say.
#[test]
fn only_what_says_none_is_none() {
    let record = "<Record><No>1</No></Record>";
    assert_eq!(told("<ResultCode>0002</ResultCode>"), Ok(0));
    assert_eq!(told("<x><ResultCode> 0002\n</ResultCode></x>"), Ok(0));
    assert_eq!(told(&format!("<ResultCode>0000</ResultCode>{record}<x>{record}</x>")), Ok(2));
    for (body, what) in [
        ("", NEITHER),
        (record, NEITHER),
        ("<ResultCode>9999</ResultCode>", NEITHER),
        ("<ResultCode>9999</ResultCode><Record>1</Record>", NEITHER),
        ("<ResultCode/>", NEITHER),
        ("<ResultCode xmlns='u:other'>0002</ResultCode>", NEITHER),
        ("<ResultCode><x>0002</x></ResultCode>", NEITHER),
        ("<!-- <ResultCode>0002</ResultCode> -->", NEITHER),
        (
            "<ResultCode>0002</ResultCode><Record>1</Record>",
            "the reply has records, though it says that there are none",
        ),
        ("<ResultCode>0000</ResultCode>", "the reply has no records, and does not say that there are none"),
        ("<ResultCode>0000</ResultCode><Record/>", "the reply has an empty record"),
        ("<ResultCode>0000</ResultCode><Record href='#1'/><Record>1</Record>", "the reply has an empty record"),
        ("<ResultCode>0000</ResultCode><Renamed/>", "the reply has no records, and does not say that there are none"),
        (
            "<ResultCode>0002</ResultCode><ResultCode>0000</ResultCode>",
            "what `success.path` finds stands in the reply more than once",
        ),
    ] {
        assert_eq!(told(body), Err(malformed(what)), "{body}");
    }
}

#[test]
fn another_place_says_none_only_in_a_reply_that_succeeded() {
    let counted =
        "success = { path = \"//m:Code\", equals = [\"0\"] }\nno_record = { path = \"//m:List\", equals = [\"\"] }\n";
    for (body, told) in [
        ("<Code>0</Code><List> </List>", Ok(0)),
        ("<Code>0</Code><List/>", Ok(0)),
        ("<Code>0</Code><List><Record>1</Record></List>", Ok(1)),
        ("<Code>9</Code><List/>", Err(NEITHER)),
        ("<List/>", Err(NEITHER)),
        ("<Code>0</Code>", Err("the reply has no records, and does not say that there are none")),
        ("<Code>0</Code><List><Other/></List>", Err("the reply has no records, and does not say that there are none")),
    ] {
        assert_eq!(count(counted, &envelope(body)), told.map_err(malformed), "{body}");
    }
    // Without any code records are success, and none are still to be said.
    let uncoded = "no_record = { path = \"//m:List\", equals = [\"\"] }\n";
    assert_eq!(count(uncoded, &envelope("<List/>")), Ok(0));
    assert_eq!(count(uncoded, &envelope("<Record>1</Record>")), Ok(1));
    assert!(count(uncoded, &envelope("")).is_err());
    // Some services give an empty record for none.
    let nil = "<Record xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'/>";
    let nothing = "no_record = { path = \"//m:Record\", equals = [\"\"] }\n";
    assert_eq!(count(nothing, &envelope(nil)), Ok(0));
    assert_eq!(
        count(nothing, &envelope("<Record a='1'/>")),
        Err(malformed("the reply has records, though it says that there are none"))
    );
    assert_eq!(count(nothing, &envelope("<Record><No>1</No></Record>")), Ok(1));
    assert_eq!(count(uncoded, &envelope(nil)), Err(malformed("the reply has an empty record")));
}

#[test]
fn a_reply_says_how_many_there_are_and_how_new_they_are() {
    let conditions = "success = { path = \"//m:Code\", equals = [\"0\"] }\nno_record = { path = \"//m:Code\", equals = [\"1\"] }\n\
                      total = \"//m:Total\"\nupdated_at = \"//m:At\"\n";
    let told = |body: &str| {
        let answer = answer(conditions, &envelope(body))?;
        Ok((answer.records.len(), answer.more, answer.updated_at.map(|time| time.to_string())))
    };
    let at = Some("2026-11-22T15:00:00Z".to_owned());
    let wrong_total = Err(malformed("what `total` finds is not the number of records, or less than the reply has"));
    let wrong_time = Err(malformed("what `updated_at` finds is not a time such as `2026-11-23 09:30:00`"));
    let time = "<At>2026-11-22 23:00:00</At>";
    for (total, more) in [("1", false), (" 2 ", true)] {
        let reply = format!("<Code>0</Code><Record>1</Record><Total>{total}</Total>{time}");
        assert_eq!(told(&reply), Ok((1, more, at.clone())), "{total}");
    }
    for total in ["0", "", "-1", "canary", "1</Total><Total>1"] {
        assert_eq!(
            told(&format!("<Code>0</Code><Record>1</Record><Total>{total}</Total>{time}")),
            wrong_total,
            "{total}"
        );
    }
    for time in ["", "<At/>", "<At>canary</At>", "<At>2026-11-22</At><At>2026-11-22</At>"] {
        assert_eq!(told(&format!("<Code>0</Code><Record>1</Record><Total>1</Total>{time}")), wrong_time, "{time}");
    }
    assert_eq!(told("<Code>1</Code>"), Ok((0, false, None)));
    assert_eq!(told(&format!("<Code>1</Code>{time}")), Ok((0, false, at)));
    assert_eq!(told("<Code>1</Code><At>canary</At>"), wrong_time);
}

/// Failure is a panic, or a "no" out of a reply with a record.
#[test]
fn a_damaged_reply_never_says_none() {
    let declaration = read_declaration("soap.toml", DECLARATION).unwrap();
    let ask = ask_of(&declaration);
    let reply = envelope("<ResultCode>0000</ResultCode><!-- x --><Record><No a='1'>&amp;<![CDATA[1]]></No></Record>");
    for at in 0..reply.len() {
        for put in ["", "<", ">", "&", "/", "2", "'", "-", "<!", "<?", "]]>", "\u{1}", "样"] {
            let damaged = format!("{}{put}{}", &reply[..at], &reply[at + 1..]);
            let told = ask.answer(&damaged).map(|answer| answer.records.len());
            assert_ne!(told, Ok(0), "{damaged}");
            assert!(ask.answer(&reply[..at]).is_err());
        }
    }
}

/// Failure is "no record", or the text of a fault in the error.
#[test]
fn a_fault_is_never_no_record() {
    let refused = || misconfigured("it refuses the question with a SOAP fault");
    let unknown = || malformed("the reply is a SOAP fault without a known code");
    for (code, error) in [
        ("<faultcode>s:Server</faultcode>", AdapterError::Unavailable),
        ("<faultcode xmlns=''>Server.Database</faultcode>", AdapterError::Unavailable),
        ("<faultcode xmlns=''>s:Client</faultcode>", refused()),
        ("<s:faultcode> s:Client.Authentication </s:faultcode>", refused()),
        ("<faultcode>s:MustUnderstand</faultcode>", refused()),
        ("<faultcode>canary</faultcode>", unknown()),
        ("<faultcode/>", unknown()),
        ("", unknown()),
    ] {
        let fault =
            format!("<s:Fault>{code}<faultstring>canary 0002</faultstring></s:Fault><ResultCode>0002</ResultCode>");
        assert_eq!(told(&fault), Err(error), "{code}");
    }
    let new = |body: &str| {
        format!("<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body>{body}</s:Body></s:Envelope>")
    };
    assert_eq!(count("", &new("")), Err(misconfigured("it replies in another version than `soap.version`")));
}

#[test]
fn an_envelope_is_the_envelope_of_soap() {
    let namespace = "xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns='http://contract.example/licences'";
    let none = "<ResultCode>0002</ResultCode>";
    let no_envelope = "the reply is no SOAP envelope";
    let no_body = "the reply has not one SOAP body";
    for (reply, told) in [
        (format!("<s:Envelope {namespace}><s:Header>{none}</s:Header><s:Body>{none}</s:Body></s:Envelope>"), Ok(0)),
        (format!("<s:Envelope {namespace}><s:Header>{none}</s:Header><s:Body/></s:Envelope>"), Err(NEITHER)),
        (format!("<s:Envelope {namespace}/>"), Err(no_body)),
        (format!("<s:Envelope {namespace}><Body>{none}</Body></s:Envelope>"), Err(no_envelope)),
        (format!("<s:Envelope {namespace}><s:Body/><s:Body>{none}</s:Body></s:Envelope>"), Err(no_body)),
        (format!("<s:Envelope {namespace}><s:Body>{none}</s:Body><x/></s:Envelope>"), Err(no_envelope)),
        (format!("<s:Other {namespace}><s:Body>{none}</s:Body></s:Other>"), Err(no_envelope)),
        (format!("<Envelope {namespace}><s:Body>{none}</s:Body></Envelope>"), Err(no_envelope)),
        (none.into(), Err(no_envelope)),
    ] {
        assert_eq!(count("", &reply), told.map_err(malformed), "{reply}");
    }
}

/// Failure is an inner document that is read though it is not whole, or a "no" where there is none.
#[test]
fn a_document_inside_is_read_like_any_other() {
    let conditions =
        "success = { path = \"/r/c\", equals = [\"0\"] }\nno_record = { path = \"/r/c\", equals = [\"1\"] }\n";
    let cdata = format!("{conditions}inner = {{ path = \"//m:Result\", form = \"cdata\" }}\n");
    let base64 = format!("{conditions}inner = {{ path = \"//m:Result\", form = \"base64\", encoding = \"gbk\" }}\n");
    let at = |problem: &str| Err(malformed(&format!("what `inner.path` finds {problem}")));
    for (body, told) in [
        ("<Result> &lt;r>&lt;c>1&lt;/c>&lt;/r></Result>", Ok(0)),
        ("<Result><![CDATA[<?xml version=\"1.0\" encoding=\"UTF-16\"?><r><c>1</c></r>]]></Result>", Ok(0)),
        ("<Result><r><c>1</c></r></Result>", at("holds elements instead of a text")),
        ("<Result/>", at("is not well-formed XML")),
        ("<Result>1</Result>", at("is not well-formed XML")),
        ("<Result>&lt;!DOCTYPE r>&lt;r/></Result>", at("has a DOCTYPE, which is never read")),
        ("", at("is not in the reply")),
        ("<r xmlns=''><c>1</c></r>", at("is not in the reply")),
        ("<Result/><Result/>", at("stands in the reply more than once")),
    ] {
        assert_eq!(count(&cdata, &envelope(body)), told, "{body}");
    }
    let packed = |bytes: &[u8]| envelope(&format!("<Result>\n{}\n</Result>", STANDARD.encode(bytes)));
    let gbk = |text: &str| encoding_rs::GBK.encode(text).0.into_owned();
    for (reply, told) in [
        (packed(&gbk("<r><c>1</c><x>样例</x></r>")), Ok(0)),
        (packed(&gbk("<?xml version='1.0' encoding='gbk'?><r><c>1</c></r>")), Ok(0)),
        (
            packed(&gbk("<?xml version='1.0' encoding='utf-8'?><r><c>1</c></r>")),
            at("says that it is not written in `gbk`"),
        ),
        (packed("<r><c>1</c><x>样</x></r>".as_bytes()), at("is not in gbk")),
        (packed(b"<r><c>1</c>\x81\x30\x81\x30</r>"), at("is not in gbk")),
        (packed(b"<r><c>1</c>"), at("is not well-formed XML")),
        (envelope("<Result>PHI+*</Result>"), at("is not base64")),
    ] {
        assert_eq!(count(&base64, &reply), told, "{reply}");
    }
}

#[test]
fn values_of_a_record_are_texts() {
    let declaration = read_declaration("soap.toml", DECLARATION).unwrap();
    let result_type = &declaration.result_types[0];
    let read = |record: &str| {
        let reply = envelope(&format!("<ResultCode>0000</ResultCode><Record>{record}</Record>"));
        let records = ask_of(&declaration).answer(&reply)?.records;
        mapping::read_holding(result_type, &records[0])
    };
    let column = |name: &str, problem: &str| Err(malformed(&format!("column `{name}` {problem}")));
    let state = "<State code='01'/>";
    let months = |text: &str| read(&format!("{state}<Months>{text}</Months>")).map(|holding| holding.fields.len());
    assert_eq!(months(" <![CDATA[3]]>&#54; "), Ok(1));
    assert_eq!(read(state).unwrap().fields.len(), 0, "a missing element is an absent value");
    let nil = "<Months xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='1'/>";
    assert_eq!(read(&format!("{state}{nil}")).unwrap().fields.len(), 0);
    assert_eq!(months("3</Months><Months>6"), column("m:Months", "stands in the reply more than once"));
    assert_eq!(months("<x>36</x>"), column("m:Months", "holds elements instead of a text"));
    assert_eq!(months(&"3".repeat(70_000)), column("m:Months", "is too long"));
    assert_eq!(months("canary"), column("m:Months", "is not a whole number"));
    let unknown = "has a code that its map does not know";
    assert_eq!(read("<No>1</No>").map(|_| 0), column("m:State/@code", unknown));
    assert_eq!(read("<State code='canary'/>").map(|_| 0), column("m:State/@code", unknown));
    let holders = read(&format!("{state}<Holders><Holder>甲</Holder><Holder/><Holder>乙</Holder></Holders>")).unwrap();
    let names: Vec<_> = holders.holders.iter().map(|holder| holder.name.as_deref()).collect();
    assert_eq!(names, [Some("甲"), Some("乙")]);
}
