//! The whole system over real sockets, by what it promises. One binary, for linking is slow.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test stops where it fails, and its name says what it proves"
)]

mod access; // who asked about a person, as the person may ask
mod agreements; // what an agreement allows, field by field
mod ask; // we ask the tax department
mod bulk; // a whole month, chunk by chunk
mod civil; // births, and what can happen after
mod clock; // a clock that goes back makes nothing young again
mod connections; // who may connect
mod database; // the whole gateway on PostgreSQL
mod dci; // births and deaths that a civil registry of the DCI kind tells of
mod dci_follow; // we subscribe at a registry of that kind, renew and end it
mod dci_known; // our key set and our places
mod dci_later; // we as a registry of that kind, asked and answering by callbacks
mod dci_pull; // we look into such a registry for what never came
mod dci_search; // the same, asked and answering at once
mod dci_seen; // what was seen in other implementations, and is not so here
mod dci_subscribe; // the same, telling of births and deaths as they come
mod deadlines; // how long anything may take
mod disk; // what the disk forgets
mod dossiers; // every procedure, and one end on both sides whatever is lost, repeated or started again
mod evidence; // a court can read it: checkpoints, time-stamps, exports
mod framing; // HTTP that could be read in two ways
mod hospital; // notices of births and deaths, and the registrations that follow
mod hospital_back; // notices of births that are taken back, and of deaths that are issued again
mod hospital_token; // facilities that sign nothing: a token for the MD5 of a password, where danger allows it
mod hospital_truth; // hospital and registry in any order, and what is true at the end
mod identity; // who may speak for whom, to whom, where
mod journal; // what was said can be shown to be what was said
mod layout; // the house itself: who may import whom
mod ledger; // where we and the tax department differ, and who said what about it
mod limits; // how much and how often
mod names; // people under every spelling of their names
mod ngsp; // through the national platform
mod notices; // what is recorded of employers is told to the tax department
mod office; // what an operator stops, undoes and decides
mod once; // the same message again, and again
mod opencrvs; // births and deaths that an OpenCRVS tells of by webhooks
mod opencrvs_subscribed; // how we come to be told by it
mod opencrvs_triggers; // what its newer kind asks before it registers, and hears later
mod papers; // files of dossiers, judged, searched, kept
mod payment; // one payment, one contribution, whatever is lost or repeated
mod population; // the population database is asked before a number is given
mod portal; // what the portal is told, even by a bad line
mod reconcile; // what a partner has lost or never sent
mod recovery; // killed between any two steps
mod registry; // the registry on PostgreSQL
mod remote;
mod restore; // the insurance database somewhere else
mod revocation; // what an authority takes back is out
mod schedules; // the tax department is asked for a month when its time has come
mod sight; // one message seen as one trace, and nobody's data in it
mod signatures; // who really said it
mod simulation; // everything at once, in virtual time, from a seed
mod tax; // employers, persons and many of them verified, and what is told unasked
mod tokens;
mod told; // the civil registry hears how its cases stand, unasked
mod tools; // xmlsec1, openssl and curl speak it
mod torture; // fault points: each in its place, none in what is shipped
mod truth; // births whose truth is known, with losses and repeats
mod words; // what may be said, in XML and in JSON
mod xroad; // what a security server brings, in REST and in SOAP, honest or not
