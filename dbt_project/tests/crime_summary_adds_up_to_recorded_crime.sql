-- Each month that any return covers stands in the summary, and adds up to the facts of the return it was taken from.
with facts as (
    select
        return_code,
        month,
        {{ total('offences') }} as offences
    from {{ ref('fct_recorded_crime') }}
    group by return_code, month
),

summary as (
    select
        return_code,
        month,
        {{ total('offences') }} as offences
    from {{ ref('crime_summary') }}
    group by return_code, month
),

months as (
    select distinct month from facts
)

select
    months.month,
    summary.offences as offences_in_summary,
    facts.offences as offences_in_facts
from months
left join summary
    on months.month = summary.month
left join facts
    on
        summary.return_code = facts.return_code
        and summary.month = facts.month
where summary.month is null or summary.offences is distinct from facts.offences
